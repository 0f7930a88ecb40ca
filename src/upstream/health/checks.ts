/** The list of checks, by the name that the config has for them. */

import type { PoolSettings } from '../pool.ts';
import type { Check } from './check.ts';
import { grpcCheck } from './grpc-check.ts';
import { httpCheck } from './http-check.ts';
import type { CheckSettings } from './settings.ts';
import { tcpCheck } from './tcp-check.ts';

const CHECKS: Record<CheckSettings['type'], ((settings: CheckSettings, pool: PoolSettings) => Check) | undefined> = {
  http: httpCheck,
  grpc: grpcCheck,
  tcp: ({ timeoutMs }) => tcpCheck(timeoutMs),
  none: undefined,
};

/** The check that the settings ask for; undefined where none is made. */
export function makeCheck(settings: CheckSettings, pool: PoolSettings): Check | undefined {
  return CHECKS[settings.type]?.(settings, pool);
}
