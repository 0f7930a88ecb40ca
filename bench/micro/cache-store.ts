/**
 * What the store of the cache costs: `node --expose-gc bench/micro/cache-store.ts`. A look-up that finds something, a
 * purge by prefix over all keys, and whether what is counted for an answer is what it takes on the heap.
 */

import { Store } from '../../src/cache/store.ts';
import type { CacheKey } from '../../src/cache/stored.ts';
import { systemClock } from '../../src/core/clock.ts';
import { answerOf } from '../../test/cache/stored-answers.ts';

const ANSWERS = 20_000;
const LOOKUPS = 500_000;

/** Texts as they come from the wire: not pieces of one another. */
const text = (value: string): string => Buffer.from(value).toString();
const keyOf = (host: string, i: number): CacheKey => ({
  scheme: 'https',
  host: text(`${host}${i}.example.com`),
  target: text(`/ui/console/chunk-${i}-ABCDEFGH.js`),
  route: 'console',
});

/** Its fields are texts of their own, as they are when they come. */
const ownFields = (i: number): string[] =>
  Array.from({ length: 16 }, (_, part) => text(part % 2 ? `value ${part} of ${i}` : `x-field-${part}`));

function taken(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const store = new Store({ maxBytes: 1_000_000_000, maxEntryBytes: 1_000_000 }, systemClock);
for (const [host, body] of [
  ['own', (i: number) => Buffer.alloc(200, `body ${i} `)],
  ['same', () => Buffer.alloc(200, 'one body for all')],
] as const) {
  const before = [taken(), store.figures().bytes] as const;
  for (let i = 0; i < ANSWERS; i += 1) {
    const key = keyOf(host, i);
    store.put(key, answerOf(body(i), { fields: ownFields(i) }), store.begin(key));
  }
  const [heap, counted] = [taken() - before[0], store.figures().bytes - before[1]];
  console.log(
    `${host === 'own' ? 'a body each' : 'one body'}: ${(heap / ANSWERS).toFixed(0)} bytes an answer, counted ${(counted / ANSWERS).toFixed(0)}`,
  );
}
const asked = Array.from({ length: 4096 }, (_, i) => keyOf('own', i));
let found = 0;
for (let i = 0; i < LOOKUPS / 5; i += 1) found += store.get(asked[i & 4095]!).length;
const begun = performance.now();
for (let i = 0; i < LOOKUPS; i += 1) found += store.get(asked[i & 4095]!).length;
console.log(`a hit: ${(((performance.now() - begun) / LOOKUPS) * 1e6).toFixed(0)} ns (${found} found)`);
const { keys } = store.figures();
const started = performance.now();
const gone = store.purge({ host: 'own7.example.com', prefix: '/ui/console/' });
console.log(`a purge over ${keys} keys: ${(performance.now() - started).toFixed(1)} ms (${gone} gone)`);
