/** What policies share, made once a process and kept over reloads. */

import type { Config } from '../config/schema.ts';
import type { PolicyServices } from '../core/policy.ts';

/** Until the mechanisms are wired, nothing is shared. */
export function makeServices(_config: Config): PolicyServices {
  return {} as PolicyServices;
}
