// Accept-Encoding, RFC 9110 section 12.5.3: which coding an answer has.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CODING_NAMES, type CodingName } from '../../src/encoding/coding.ts';
import { Acceptance, negotiate } from '../../src/encoding/negotiate.ts';

const CASES: [field: string | undefined, coding: CodingName | undefined][] = [
  // nothing said, nothing accepted
  [undefined, undefined],
  ['', undefined],
  [' , ,', undefined],
  ['identity', undefined],
  ['deflate, compress, exi, dcb, dcz', undefined],
  // what browsers and tools send
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip, deflate', 'gzip'],
  ['deflate, gzip, br, zstd', 'br'],
  ['gzip', 'gzip'],
  ['zstd, gzip', 'zstd'],
  ['GZIP', 'gzip'],
  ['x-gzip', 'gzip'],
  ['  br  ', 'br'],
  // weights
  ['gzip;q=1.0, br;q=0.5', 'gzip'],
  ['br;q=0.5, gzip;q=0.5', 'br'],
  ['br;q=0, gzip;q=0.001', 'gzip'],
  ['br;q=0', undefined],
  ['br;Q=0, gzip', 'gzip'],
  ['br ; q=0.2,\tzstd\t;\tq=0.3', 'zstd'],
  ['br;q=0.', undefined],
  ['br;q=1.000', 'br'],
  // identity
  ['identity;q=1, br;q=0.5', undefined],
  ['identity;q=0.5, br;q=0.5', 'br'],
  ['identity;q=0.5, br;q=0.9, gzip', 'gzip'],
  ['identity;q=0, gzip', 'gzip'],
  ['identity;q=0', undefined],
  // any: the oldest, which everybody knows
  ['*', 'gzip'],
  ['*;q=0', undefined],
  ['br, *;q=0', 'br'],
  ['gzip;q=0, *', 'zstd'],
  ['zstd, *', 'zstd'],
  ['zstd;q=0.5, *', 'gzip'],
  ['identity;q=0, *;q=0', undefined],
  // what cannot be read says nothing
  ['br;q=2, gzip', 'gzip'],
  ['br;q=-1', undefined],
  ['br;q=1.001', undefined],
  ['br;q=0.0001', undefined],
  ['br;q=', undefined],
  ['br;q=a, zstd', 'zstd'],
  ['br;level=4', undefined],
  ['br gzip', undefined],
  ['"br"', undefined],
  ['br;q=0.5;q=0', undefined],
  // named twice: the refusal stands
  ['br, br;q=0, gzip', 'gzip'],
  ['gzip;q=0, x-gzip', undefined],
];

for (const [field, coding] of CASES) {
  test(`Accept-Encoding ${field === undefined ? 'absent' : JSON.stringify(field)}: ${coding ?? 'identity'}`, () => {
    assert.equal(negotiate(field), coding);
  });
}

test('several lines are one list', () => {
  assert.equal(negotiate(['gzip', 'br;q=0.5']), 'gzip');
  assert.equal(negotiate(['gzip', 'br']), 'br');
});

test('all that is accepted comes back, best first, so that a store can look for what it has', () => {
  const all = new Acceptance();
  assert.deepEqual(all.codings('gzip, br;q=0.9, zstd'), ['zstd', 'gzip', 'br']);
  assert.deepEqual(all.codings('gzip;q=0.1, identity;q=0.5, br'), ['br']);
});

test('the order of a route decides among equals, and what it does not offer is not chosen', () => {
  assert.equal(new Acceptance(['gzip', 'br']).coding('br, gzip, zstd'), 'gzip');
  assert.equal(new Acceptance(['gzip', 'br']).coding('br, gzip;q=0.9'), 'br');
  assert.equal(new Acceptance(['gzip']).coding('br, zstd'), undefined);
});

test('attack, 64 KiB of Accept-Encoding: not read at all', () => {
  for (const field of [
    'br,'.repeat(22_000),
    `${' '.repeat(65_536)}br`,
    `br;q=${'0'.repeat(65_536)}`,
    'a'.repeat(65_536),
  ]) {
    assert.equal(negotiate(field), undefined);
  }
});

test('attack, ever new values: what is remembered stays bounded, and answers stay right', () => {
  const all = new Acceptance();
  for (let i = 0; i < 5_000; i += 1) assert.equal(all.coding(`gzip, x${i}`), 'gzip');
  assert.equal(all.coding('gzip, deflate, br'), 'br');
});

const member = fc.record({
  name: fc.constantFrom('br', 'zstd', 'gzip', 'identity', '*', 'deflate'),
  weight: fc.integer({ min: 0, max: 1000 }),
});

test('property: a coding is never chosen that the client refused or did not name', () => {
  fc.assert(
    fc.property(fc.array(member, { maxLength: 8 }), (members) => {
      const field = members.map(({ name, weight }) => `${name};q=${(weight / 1000).toFixed(3)}`).join(', ');
      const weightOf = (name: string): number | undefined => {
        const named = members.filter((one) => one.name === name).map(({ weight }) => weight);
        return named.length === 0 ? undefined : Math.min(...named);
      };
      const effective = (name: string): number => weightOf(name) ?? weightOf('*') ?? 0;
      const chosen = negotiate(field);
      const best = Math.max(...CODING_NAMES.map(effective));
      if (chosen !== undefined) {
        assert.ok(effective(chosen) > 0);
        assert.equal(effective(chosen), best);
      } else {
        assert.ok(best === 0 || best < (weightOf('identity') ?? 0));
      }
    }),
  );
});

test('property: whatever comes, there is an answer, and it is the same the second time', () => {
  const text = fc.oneof(fc.string({ maxLength: 600 }), fc.stringMatching(/^[brzstdgip*;q=.,01 \t]{0,80}$/));
  fc.assert(
    fc.property(text, (field) => {
      const first = negotiate(field);
      assert.ok(first === undefined || CODING_NAMES.includes(first));
      assert.equal(negotiate(field), first);
    }),
  );
});
