import type { Check } from './check.ts';
import { ipRules } from './ip-rules.ts';
import { limits } from './limits.ts';
import { limitKeys } from './limits-keys.ts';
import { listeners } from './listeners.ts';
import { names } from './names.ts';
import { networks } from './networks.ts';
import { policies } from './policies.ts';
import { preset } from './preset.ts';
import { routes } from './routes.ts';
import { sharedTier } from './shared-tier.ts';
import { shield } from './shield.ts';
import { upstreams } from './upstreams.ts';

/** The checks of what spans several keys. */
export const CHECKS: readonly Check[] = [
  names,
  listeners,
  networks,
  limits,
  preset,
  upstreams,
  routes,
  policies,
  shield,
  limitKeys,
  sharedTier,
  ipRules,
];
