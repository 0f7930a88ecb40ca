// Requests that are refused while the event loop is late: the least important first, as many as needed, without swinging.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LoopShedder } from '../../../src/limits/overload/loop-shedder.ts';

const [CRITICAL, HIGH, NORMAL, LOW] = [0, 1, 2, 3];

/** How many of a hundred are refused. */
function share(shedder: LoopShedder, rank: number): number {
  let refused = 0;
  for (let i = 0; i < 100; i += 1) if (shedder.refuses(rank)) refused += 1;
  return refused;
}

function settled(delayMs: number): LoopShedder {
  const shedder = new LoopShedder(200);
  for (let i = 0; i < 20; i += 1) shedder.observe(delayMs);
  return shedder;
}

test('a loop in time refuses nobody', () => {
  const shedder = settled(199);
  for (const rank of [CRITICAL, HIGH, NORMAL, LOW]) assert.equal(share(shedder, rank), 0);
});

for (const [delayMs, shares] of [
  [200, [0, 0, 0, 95]],
  [250, [0, 0, 50, 95]],
  [400, [0, 95, 95, 95]],
  [450, [50, 95, 95, 95]],
  [5000, [95, 95, 95, 95]],
] as const) {
  test(`${delayMs} ms late at a threshold of 200: of critical, high, normal, low ${shares} % are refused`, () => {
    const shedder = settled(delayMs);
    for (const rank of [CRITICAL, HIGH, NORMAL, LOW]) {
      const found = share(shedder, rank);
      assert.ok(Math.abs(found - shares[rank]!) <= 1, `rank ${rank}: ${found}`);
    }
  });
}

test('one late second costs the lowest priority only', () => {
  const shedder = new LoopShedder(200);
  shedder.observe(10_000);
  assert.equal(share(shedder, NORMAL), 0);
  assert.ok(share(shedder, LOW) > 90);
});

test('it begins at the threshold, and ends below half of it', () => {
  const shedder = settled(200);
  for (let i = 0; i < 20; i += 1) shedder.observe(150);
  assert.ok(Math.abs(share(shedder, LOW) - 50) <= 1, 'less late: fewer');
  shedder.observe(99);
  assert.equal(share(shedder, LOW), 0);
  shedder.observe(150);
  assert.equal(share(shedder, LOW), 0, 'not again before the threshold');
});

test('property: the more important are never refused more, and somebody always comes through', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 50 }), (delays) => {
      const shedder = new LoopShedder(200);
      for (const delay of delays) shedder.observe(delay);
      const shares = [CRITICAL, HIGH, NORMAL, LOW].map((rank) => share(shedder, rank!));
      for (let rank = 1; rank < 4; rank += 1) assert.ok(shares[rank]! >= shares[rank - 1]! - 1, `${shares}`);
      assert.ok(Math.max(...shares) <= 96);
    }),
  );
});
