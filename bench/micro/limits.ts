/**
 * What counting costs: `node bench/micro/limits.ts`. Nanoseconds an operation, medians of rounds, one thread. Keys are as
 * long as real ones, and so many that they do not all lie in the cache of the processor.
 */

import { systemClock } from '../../src/core/clock.ts';
import { Hottest } from '../../src/limits/hottest.ts';
import { LocalTier } from '../../src/limits/local-tier.ts';
import { sharedMarks } from '../../src/limits/marks.ts';
import { SharedPlaces } from '../../src/limits/places.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';
import { type Hash, sipHash } from '../../src/limits/sip-hash.ts';
import type { Ban, Charge } from '../../src/limits/tier.ts';

const ROUNDS = 9;
const OFTEN = 100_000;
const KEYS = 4096;

const words = (into: Uint32Array<ArrayBuffer>): void => void crypto.getRandomValues(into);
const table = (): SharedTable => new SharedTable(SharedTable.allocate(262_144, words), 1);
const tier = new LocalTier(table(), systemClock);
const places = new SharedPlaces(SharedPlaces.allocate(16_384, 4, words), 1);
const marks = sharedMarks(table());
const hottest = new Hottest();
const BAN: Ban = { after: 20, withinMs: 60_000, forMs: 60_000, maxMs: 3_600_000 };

/** As many charges of a limit as there are keys; `who` is of usual length. */
function charges(rule: string, requests: number, ban?: Ban): Charge[] {
  const rate = { requests, periodMs: 1000, burst: requests };
  const limit = { rule, bucket: `${rule}\0${requests}/1000/${requests}`, rate, cost: 1, ban };
  return Array.from({ length: KEYS }, (_, i) => ({
    limit,
    key: `${limit.bucket}\x00203.0.${i >> 8}.${i & 255}`,
    enforce: true,
  }));
}

const wide = charges('api_by_address', 1_000_000);
const deep = charges('api_by_token', 1_000_000);
const banning = charges('login_by_address', 1_000_000, BAN);
const tight = charges('password_by_account', 1);
const names = wide.map(({ key }) => key);
const pairs = wide.map((charge, i) => [charge, deep[i]!]);
const each = <T>(values: readonly T[]): (() => T) => {
  let at = 0;
  return () => {
    at = (at + 1) & (KEYS - 1);
    return values[at]!;
  };
};

function print(what: string, work: () => void): void {
  const times: number[] = [];
  for (let round = -2; round < ROUNDS; round += 1) {
    const started = process.hrtime.bigint();
    for (let i = 0; i < OFTEN; i += 1) work();
    if (round >= 0) times.push(Number(process.hrtime.bigint() - started) / OFTEN);
  }
  const median = times.sort((a, b) => a - b)[ROUNDS >> 1]!;
  process.stdout.write(`${what.padEnd(44)} ${median.toFixed(0).padStart(5)} ns\n`);
}

const hash: Hash = { hi: 0, lo: 0 };
const key = each(names);
print('hash of a key', () => sipHash([1, 2], key(), hash));
const one = each(wide.map((charge) => [charge]));
print('one limit', () => tier.takeNow(one()));
const withBan = each(banning.map((charge) => [charge]));
print('one limit that bans', () => tier.takeNow(withBan()));
const refused = each(tight.map((charge) => [charge]));
print('one limit that refuses', () => tier.takeNow(refused()));
const two = each(pairs);
print('two limits', () => tier.takeNow(two()));
const back = each(pairs);
print('two limits, taken and given back', () => {
  const both = back();
  tier.takeNow(both);
  tier.giveBack(both);
});
print('a place, taken and given back', () => places.take(key(), 1000)![Symbol.dispose]());
print('two limits and a place', () => {
  tier.takeNow(two());
  places.take(key(), 1000)![Symbol.dispose]();
});
print('a mark, looked up', () => marks.has(key(), 0));
print('hottest keys, admitted', () => hottest.saw('rule', key(), true));
print('hottest keys, refused and known to few', () => hottest.saw('rule', key(), false));
