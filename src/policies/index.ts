/**
 * THE ORDER of the policies, outermost first: the way in runs down the list, the way out runs up.
 * A new policy is one file here beside and one item in this list; schema, reference and checks follow from it.
 */

import type { Policy } from '../core/policy.ts';
import { bodyLimit } from './body-limit.ts';
import { deadline } from './deadline.ts';
import { headers } from './headers.ts';

export const POLICIES = [
  deadline, // covers all that follows
  bodyLimit, // before anything is sent on
  headers, // last on the way in and first on the way out: nothing overrides what the operator says
] as const satisfies readonly Policy[];
