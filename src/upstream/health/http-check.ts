import type { PoolSettings } from '../pool.ts';
import { askedAlone } from './asked.ts';
import type { Check } from './check.ts';
import type { CheckSettings } from './settings.ts';

/** Ready is who answers GET with one of the statuses. */
export function httpCheck({ path, host, statuses, timeoutMs }: CheckSettings, pool: PoolSettings): Check {
  const options = { path, authority: host, fields: ['user-agent', 'gatehouse-check'], timeoutMs };
  return (address, signal) =>
    askedAlone(address, pool, options, signal, ({ status }) => ({
      ready: statuses.includes(status),
      found: `status ${status}`,
    }));
}
