// What the server refused lately, as one thread remembers it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyName } from '../../../src/limits/shared/key-name.ts';
import { KnownRefusals } from '../../../src/limits/shared/known-refusals.ts';
import { chargeOf, DAY_MS } from './replica.ts';

const refused = { allowed: false, remaining: 0, retryAfterMs: 400, resetMs: 2000 };
const charge = chargeOf('k');

test('a refusal holds as long as it said, and its wait grows shorter', () => {
  const known = new KnownRefusals();
  known.add(charge, 'k', refused, 100);
  assert.deepEqual(known.find(charge, 'k', 100), refused);
  assert.deepEqual(known.find(charge, 'k', 499), { ...refused, retryAfterMs: 1, resetMs: 1601 });
  assert.equal(known.find(charge, 'k', 500), undefined);
});

test('no longer than a second: another replica may have given back', () => {
  const known = new KnownRefusals();
  known.add(charge, 'k', { ...refused, retryAfterMs: Number.POSITIVE_INFINITY }, 0);
  assert.equal(known.find(charge, 'k', 999)?.retryAfterMs, Number.POSITIVE_INFINITY);
  assert.equal(known.find(charge, 'k', 1000), undefined);
});

test('it says nothing of other costs, of limits that only report, and of limits that ban', () => {
  const known = new KnownRefusals();
  known.add(charge, 'k', refused, 0);
  const ban = { after: 1, withinMs: DAY_MS, forMs: DAY_MS, maxMs: DAY_MS };
  for (const other of [{ cost: 2 }, { enforce: false }, { ban }]) {
    assert.equal(known.find(chargeOf('k', other), 'k', 0), undefined);
  }
});

test('a flood of refused keys stays within 10,000, and lets nothing through', () => {
  const known = new KnownRefusals();
  for (let i = 0; i < 50_000; i += 1) known.add(charge, `k${i}`, refused, 0);
  const held = Array.from({ length: 50_000 }, (_, i) => known.find(charge, `k${i}`, 0)).filter(Boolean);
  assert.equal(held.length, 10_000);
});

test('the name of a key is 16 characters that a key pattern and the admin API can hold', () => {
  for (const key of ['', 'a', '€'.repeat(1000)]) assert.match(keyName(key), /^[\w-]{16}$/);
  assert.notEqual(keyName('a\0b'), keyName('a\0c'));
});
