/**
 * What limits shared on Redis cost: `node bench/micro/shared-tier.ts redis://127.0.0.1:6379/0`, of a server that may be
 * filled. Two limits a request; one request at a time for the wait, then many at once for the cost.
 */

import { systemClock } from '../../src/core/clock.ts';
import { LocalTier } from '../../src/limits/local-tier.ts';
import { SharedTier } from '../../src/limits/shared/shared-tier.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';
import type { Charge, Limit } from '../../src/limits/tier.ts';

const REQUESTS = 20_000;
const AT_ONCE = 100;

const url = process.argv[2] ?? 'redis://127.0.0.1:6379/0';
const table = new SharedTable(
  SharedTable.allocate(262_144, (words) => void crypto.getRandomValues(words)),
  1,
);
const settings = {
  url,
  mode: 'sync',
  deadline_ms: 1000,
  interval_ms: 100,
  on_error: 'local',
  prefix: 'bench',
  connect_timeout_ms: 2000,
} as const;
using tier = new SharedTier(new LocalTier(table, systemClock), settings, systemClock, { onUp() {}, onDown() {} });
const failed = await tier.firstTry;
if (failed !== undefined) throw new Error(`${url}: ${failed}`);

const limit = (rule: string): Limit => ({
  rule,
  bucket: rule,
  rate: { requests: 1_000_000, periodMs: 60_000, burst: 1_000_000 },
  cost: 1,
  ban: undefined,
});
const [address, account] = [limit('address'), limit('account')];
const chargesOf = (i: number): Charge[] => [
  { limit: address, key: `address\0\x00192.0.2.${i % 256}`, enforce: true },
  { limit: account, key: `account\0\0${i % 1000}`, enforce: true },
];
const take = (i: number): Promise<void> => new Promise((resolve) => tier.take(chargesOf(i), () => resolve()));

for (let i = 0; i < 2000; i += 1) await take(i);
const waits: number[] = [];
for (let i = 0; i < 5000; i += 1) {
  const from = performance.now();
  await take(i);
  waits.push(performance.now() - from);
}
waits.sort((a, b) => a - b);
const at = (part: number): string => `${(waits[Math.floor(waits.length * part)]! * 1000).toFixed(0)} us`;
console.log(`one at a time: median ${at(0.5)}, 99 % within ${at(0.99)}`);

const cpu = process.cpuUsage();
const from = performance.now();
for (let i = 0; i < REQUESTS; i += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, (_, j) => take(i + j)));
const { user, system } = process.cpuUsage(cpu);
console.log(
  `${AT_ONCE} at once: ${((performance.now() - from) * 1000) / REQUESTS} us a request, ${(user + system) / REQUESTS} us of CPU here`,
);
const { fallbacks, timeouts } = tier.status();
if (fallbacks + timeouts > 0) console.log(`not all were answered: ${JSON.stringify(tier.status())}`);
