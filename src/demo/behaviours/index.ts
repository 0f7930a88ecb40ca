import { admin } from './admin.ts';
import { auth } from './auth.ts';
import type { Behaving } from './behaviour.ts';
import { management } from './management.ts';
import { organization } from './organization.ts';
import { session } from './session.ts';
import { settings } from './settings.ts';
import { system } from './system.ts';
import { user } from './user.ts';

/** The services that do something; every other method answers UNIMPLEMENTED. */
export const BEHAVIOURS: readonly Behaving[] = [admin, auth, management, system, session, user, settings, organization];
