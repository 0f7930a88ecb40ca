// Any sequence of takes and returns against the same arithmetic in whole numbers that have no end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LocalTier } from '../../src/limits/local-tier.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';
import type { Charge, Limit } from '../../src/limits/tier.ts';
import { HandClock } from '../support/hand-clock.ts';

function started() {
  const clock = new HandClock();
  clock.pass(1_000_000);
  const table = new SharedTable(
    SharedTable.allocate(1024, (words) => words.set([41, 42])),
    1,
  );
  return { clock, tier: new LocalTier(table, clock) };
}

const limits = fc.array(
  fc.record({
    requests: fc.integer({ min: 1, max: 1000 }),
    periodMs: fc.integer({ min: 1, max: 100_000 }),
    burst: fc.integer({ min: 1, max: 8 }),
    cost: fc.integer({ min: 1, max: 3 }),
    enforce: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
);
const steps = fc.array(
  fc.record({
    wait: fc.integer({ min: 0, max: 20_000 }),
    /** Which of the requests that are under way ends as something that does not count. */
    ends: fc.option(fc.nat()),
    who: fc.integer({ min: 0, max: 2 }),
  }),
  { maxLength: 60 },
);

/** What the keys hold, in units of 1/requests of a millisecond. */
class Model {
  readonly #levels = new Map<string, { level: bigint; at: bigint }>();

  levelOf({ key, limit: { rate } }: Charge, now: number): bigint {
    const { level, at } = this.#levels.get(key) ?? { level: 0n, at: BigInt(now) };
    const leaked = (BigInt(now) - at) * BigInt(rate.requests);
    return level > leaked ? level - leaked : 0n;
  }

  /** Adds so many times the cost of a charge; whether that fits. */
  add(charge: Charge, times: 1 | -1, now: number): boolean {
    const { rate, cost } = charge.limit;
    const level = this.levelOf(charge, now) + BigInt(times * cost * rate.periodMs);
    if (level > BigInt(rate.burst * rate.periodMs)) return false;
    this.#levels.set(charge.key, { level: level < 0n ? 0n : level, at: BigInt(now) });
    return true;
  }
}

test('several limits, some of which only report, with returns in between: exactly what the arithmetic says', () => {
  fc.assert(
    fc.property(limits, steps, (given, sequence) => {
      const { clock, tier } = started();
      const model = new Model();
      const underWay: Charge[][] = [];
      for (const { wait, ends, who } of sequence) {
        clock.pass(wait);
        const now = clock.now();
        const ended = ends === null ? undefined : underWay.splice(ends % Math.max(1, underWay.length), 1)[0];
        if (ended !== undefined) {
          tier.giveBack(ended);
          for (const charge of ended) model.add(charge, -1, now);
        }
        const charges = given.map(({ cost, enforce, ...rate }, i): Charge => {
          const limit: Limit = { rule: `r${i}`, bucket: `r${i}`, rate, cost, ban: undefined };
          return { limit, key: `r${i}\0bucket\0${who}`, enforce };
        });
        const fits: boolean[] = [];
        for (const charge of charges) {
          fits.push(model.add(charge, 1, now));
          if (!fits.at(-1)! && charge.enforce) break;
        }
        const refused = fits.findIndex((fit, i) => !fit && charges[i]!.enforce);
        if (refused !== -1) for (let i = 0; i < refused; i += 1) if (fits[i]!) model.add(charges[i]!, -1, now);

        const outcome = tier.takeNow(charges);
        assert.equal(outcome.refused, refused === -1 ? undefined : refused);
        assert.deepEqual(
          outcome.exceeded,
          fits.flatMap((fit, i) => (fit || charges[i]!.enforce ? [] : [i])),
        );
        if (outcome.refused === undefined) underWay.push(charges.filter((_, i) => fits[i]));
        for (const charge of charges) {
          const { rate, cost } = charge.limit;
          const { allowed } = tier.peek(charge);
          const level = model.levelOf(charge, now) + BigInt(cost * rate.periodMs);
          assert.equal(allowed, level <= BigInt(rate.burst * rate.periodMs));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('what is given back late buys no more than what leaks until then; policies give nothing back after a while', () => {
  const rate = { requests: 5, periodMs: 60_000, burst: 5 };
  const limit: Limit = { rule: 'guesses', bucket: 'guesses', rate, cost: 1, ban: undefined };
  const guess: Charge = { limit, key: 'guesses\x005/60\0joe', enforce: true };
  for (const [openMs, extra] of [
    [0, 0],
    [11_999, 0],
    [12_000, 1],
    [60_000, 5],
    [600_000, 5],
  ] as const) {
    const { clock, tier } = started();
    for (let i = 0; i < 5; i += 1) assert.equal(tier.takeNow([guess]).refused, undefined);
    clock.pass(openMs);
    const guesses = (): number => {
      let admitted = 0;
      while (tier.takeNow([guess]).refused === undefined) admitted += 1;
      return admitted;
    };
    const before = guesses();
    for (let i = 0; i < 5; i += 1) tier.giveBack([guess]);
    assert.equal(before + guesses(), 5 + extra, `open for ${openMs} ms`);
  }
});
