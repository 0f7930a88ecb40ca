import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SearchTable } from '../../../src/http2/hpack/search-table.ts';

type Entry = { name: string; value: string };
const sizeOf = ({ name, value }: Entry): number => name.length + value.length + 32;

test('the table is the queue of RFC 7541 section 4, and finds what is in it and nothing else', () => {
  const name = fc.constantFrom('a', 'bb', 'cookie', 'x-name');
  const value = fc.oneof(
    fc.constantFrom('', '1', '2'),
    fc.nat(900).map((length) => 'v'.repeat(length)),
  );
  const step = fc.oneof({ weight: 9, arbitrary: fc.record({ name, value }) }, { weight: 1, arbitrary: fc.nat(4096) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const table = new SearchTable();
      let model: Entry[] = [];
      let maxBytes = 4096;
      const bytes = (): number => model.reduce((sum, entry) => sum + sizeOf(entry), 0);
      for (const one of steps) {
        if (typeof one === 'number') {
          maxBytes = one;
          table.resize(one);
        } else {
          assert.equal(table.add(one.name, one.value), sizeOf(one) <= maxBytes);
          model = sizeOf(one) <= maxBytes ? [one, ...model] : [];
        }
        while (bytes() > maxBytes) model.pop();
        assert.equal(table.bytes, bytes());
        assert.equal(table.length, model.length);
        const newest = (fits: (entry: Entry) => boolean): number => {
          const age = model.findIndex(fits);
          return age === -1 ? -1 : table.inserted - 1 - age;
        };
        for (const asked of ['a', 'bb', 'cookie', 'x-name', 'none']) {
          assert.equal(
            table.newest(asked),
            newest((entry) => entry.name === asked),
          );
        }
        const last = model.at(-1);
        if (last === undefined) continue;
        assert.deepEqual(
          [table.name(table.inserted - model.length), table.value(table.inserted - model.length)],
          [last.name, last.value],
        );
        const found = table.find(table.newest(last.name), last.value);
        const nth = model.filter((entry) => entry.name === last.name).findIndex((entry) => entry.value === last.value);
        const expected = newest((entry) => entry.name === last.name && entry.value === last.value);
        assert.equal(found, nth < 8 ? expected : -1, 'the eight newest of a name are compared');
      }
    }),
    { numRuns: 60 },
  );
});

test('entries without text fill the table to its last one', () => {
  const table = new SearchTable();
  for (let i = 0; i < 500; i += 1) table.add('', '');
  assert.equal(table.length, 128);
  assert.equal(table.bytes, 4096);
  assert.equal(table.find(table.newest(''), ''), 499);
});
