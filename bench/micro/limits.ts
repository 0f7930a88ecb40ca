/**
 * What counting costs. Keys are as long as real ones, and so many that they do not all lie in the cache of the processor.
 */

import assert from 'node:assert/strict';
import { systemClock } from '../../src/core/clock.ts';
import { Hottest } from '../../src/limits/hottest.ts';
import { LocalTier } from '../../src/limits/local-tier.ts';
import { sharedMarks } from '../../src/limits/marks.ts';
import { SharedPlaces } from '../../src/limits/places.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';
import { type Hash, sipHash } from '../../src/limits/sip-hash.ts';
import type { Ban, Charge, Outcome } from '../../src/limits/tier.ts';
import { type Case, inTurn, measured } from './case.ts';

const KEYS = 4096;
const words = (into: Uint32Array<ArrayBuffer>): void => void crypto.getRandomValues(into);
const table = (): SharedTable => new SharedTable(SharedTable.allocate(262_144, words), 1);
const tier = new LocalTier(table(), systemClock);
const places = new SharedPlaces(SharedPlaces.allocate(16_384, 4, words), 1);
const marks = sharedMarks(table());
const hottest = new Hottest();
const BAN: Ban = { after: 20, withinMs: 60_000, forMs: 60_000, maxMs: 3_600_000 };

/** As many charges of a limit as there are keys; `who` is of usual length. */
function charges(rule: string, requests: number, periodMs = 1000, ban?: Ban): Charge[] {
  const rate = { requests, periodMs, burst: requests };
  const limit = { rule, bucket: `${rule}\0${requests}/${periodMs}/${requests}`, rate, cost: 1, ban };
  return Array.from({ length: KEYS }, (_, i) => ({
    limit,
    key: `${limit.bucket}\x00203.0.${i >> 8}.${i & 255}`,
    enforce: true,
  }));
}

const wide = charges('api_by_address', 1_000_000);
const deep = charges('api_by_token', 1_000_000);
const banning = charges('login_by_address', 1_000_000, 1000, BAN);
// One in a day: none is let in a second time while this runs.
const tight = charges('password_by_account', 1, 86_400_000);
for (const charge of tight) tier.takeNow([charge]);

const key = inTurn(wide.map((charge) => charge.key));
const one = inTurn(wide.map((charge) => [charge]));
const withBan = inTurn(banning.map((charge) => [charge]));
const refused = inTurn(tight.map((charge) => [charge]));
const two = inTurn(wide.map((charge, i) => [charge, deep[i]!]));
const hash: Hash = { hi: 0, lo: 0 };

function allowed({ refused: by, taken }: Outcome): void {
  assert.equal(by, undefined);
  assert.ok(taken.every(({ remaining }) => remaining > 0));
}

export const cases: readonly Case[] = [
  measured(
    'hash of a key',
    () => {
      sipHash([1, 2], key(), hash);
      return hash;
    },
    ({ hi, lo }) => assert.ok(hi !== 0 || lo !== 0),
  ),
  measured('one limit', () => tier.takeNow(one()), allowed),
  measured('one limit that bans', () => tier.takeNow(withBan()), allowed),
  measured(
    'one limit that refuses',
    () => tier.takeNow(refused()),
    (outcome) => assert.equal(outcome.refused, 0),
  ),
  measured('two limits', () => tier.takeNow(two()), allowed),
  measured(
    'two limits, taken and given back',
    () => {
      const both = two();
      const outcome = tier.takeNow(both);
      tier.giveBack(both);
      return outcome;
    },
    allowed,
  ),
  measured(
    'a place, taken and given back',
    () => {
      const place = places.take(key(), 1000);
      place?.[Symbol.dispose]();
      return place;
    },
    (place) => assert.ok(place !== undefined),
  ),
  measured(
    'a mark, looked up',
    () => marks.has(key(), 0),
    (has) => assert.equal(has, false),
  ),
  measured(
    'hottest keys, admitted',
    () => hottest.saw('rule', key(), true),
    () => {},
  ),
  measured(
    'hottest keys, refused and known to few',
    () => hottest.saw('rule', key(), false),
    () => {},
  ),
];
