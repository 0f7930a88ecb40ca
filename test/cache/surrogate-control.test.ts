// Surrogate-Control, whose syntax is its own: targets, a freshness extension, and quotes that do not end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerDirectives } from '../../src/cache/cache-control.ts';
import { surrogateControl } from '../../src/cache/surrogate-control.ts';

/** Short: `no-store`, `60`, `60+30`, `nothing`. */
function said(...lines: string[]): string {
  const heard = surrogateControl(lines);
  if (heard === undefined) return 'nothing';
  if (heard.noStore) return 'no-store';
  return heard.extension === undefined ? `${heard.maxAge}` : `${heard.maxAge}+${heard.extension}`;
}

const READ: readonly (readonly [lines: string | string[], heard: string])[] = [
  ['max-age=60', '60'],
  ['MaX-aGe=60', '60'],
  ['max-age=60+30', '60+30'],
  ['max-age=99999999999', String(2 ** 31)],
  ['no-store', 'no-store'],
  ['No-Store', 'no-store'],
  ['max-age=60, no-store', 'no-store'],
  ['max-age=60, max-age=5+9', '5+9'],
  [['max-age=60', 'max-age=5'], '5'],
  ['foobar, max-age=60', '60'],
  ['content="ESI/1.0", max-age=60', '60'],
  ['content="a, no-store", max-age=60', '60'],
  // What is not for caches beside the origin.
  ['no-store-remote', 'nothing'],
  ['content="ESI/1.0"', 'nothing'],
  ['', 'nothing'],
  [',,;', 'nothing'],
  // Targets.
  ['max-age=60;gatehouse', '60'],
  ['max-age=60 ; gatehouse', '60'],
  ['max-age=60;other', 'nothing'],
  ['no-store;other, max-age=60', '60'],
  ['max-age=60, max-age=600;gatehouse', '600'],
  ['no-store, max-age=60;gatehouse', '60'],
  ['max-age=60, no-store;gatehouse', 'no-store'],
  // What is no number makes stale.
  ['max-age', '0'],
  ['max-age=', '0'],
  ['max-age =60', '0'],
  ['max-age= 60', '0'],
  ['max-age="60"', '0'],
  ['max-age=60+', '0'],
  ['max-age=-1', '0'],
];

for (const [lines, heard] of READ) {
  test(`${JSON.stringify(lines)} says ${heard}`, () => assert.equal(said(...[lines].flat()), heard));
}

test('attack: a quote that does not end hides no directive after it', () => {
  assert.equal(said('content="ESI, no-store'), 'no-store');
  assert.equal(said('max-age=60;"x, no-store'), 'no-store');
});

test('attack: 64 KiB of quotes, commas and semicolons are read in a moment', () => {
  for (const text of ['"', '",', '";', '"\\', 'a"', ',;']) said(text.repeat(65_536 / text.length));
});

test('whatever comes is read, and gives seconds that are none or in bounds', () => {
  const part = fc.constantFrom('max-age', '=', '60', '+', 'no-store', ';', ',', '"', ' ', 'gatehouse', 'content', '\\');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const heard = surrogateControl([parts.join('')]);
      for (const seconds of [heard?.maxAge, heard?.extension]) {
        assert.ok(seconds === undefined || (seconds >= 0 && seconds <= 2 ** 31));
      }
    }),
  );
});

test('it goes before Cache-Control and Expires where it is named, in the order of the names', () => {
  const fields = ['cache-control', 'no-store', 'surrogate-control', 'max-age=60+30', 'cdn-cache-control', 'max-age=5'];
  const heard = answerDirectives(fields, ['surrogate-control', 'cdn-cache-control']);
  assert.deepEqual(
    [heard.from, heard.noStore, heard.maxAge, heard.staleWhileRevalidate],
    ['surrogate-control', false, 60, 30],
  );
  assert.equal(answerDirectives(fields, ['cdn-cache-control', 'surrogate-control']).maxAge, 5);
  assert.equal(answerDirectives(fields, []).noStore, true);
});

test('what says nothing of storing leaves the word to the next field', () => {
  const fields = ['cache-control', 'max-age=9', 'surrogate-control', 'content="ESI/1.0", max-age=60;other'];
  assert.equal(answerDirectives(fields, ['surrogate-control']).maxAge, 9);
});
