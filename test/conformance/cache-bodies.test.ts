// Whatever an origin sends, in whatever pieces, and whatever a client asks for: what comes out decodes to what went in.
// Harm: a page that does not decode, a file with the middle of another, a download that goes on where another one ended.

import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type Cached, CLIENT_PROTOCOLS, startCached } from '../support/cached.ts';
import { UNLIMITED } from '../support/mirror.ts';
import { check, type Wanted } from './cache-oracle.ts';

let stage: Cached;

before(async () => {
  stage = await startCached({ config: UNLIMITED });
});
after(() => stage[Symbol.asyncDispose]());

/** What an origin answers. */
interface Given {
  readonly size: number;
  /** Random bytes, which no coding makes smaller. */
  readonly noise: boolean;
  readonly pieces: readonly number[];
  readonly type: string | undefined;
  readonly told: boolean;
  readonly etag: string | undefined;
  readonly modified: boolean;
  readonly vary: string[] | undefined;
  readonly control: string;
  /** It sends gzip although it was asked for none. */
  readonly coded: boolean;
}

const TYPES = [
  'text/html; charset=utf-8',
  'application/javascript',
  'application/json',
  'image/svg+xml',
  'image/png',
  undefined,
];
const given: fc.Arbitrary<Given> = fc.record({
  size: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 3000 }) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 40_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 300_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 1, 255, 256, 1023, 1024, 16_384, 65_535, 65_536, 131_072) },
  ),
  noise: fc.boolean(),
  pieces: fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 6 }),
  type: fc.constantFrom(...TYPES),
  told: fc.boolean(),
  etag: fc.constantFrom(undefined, undefined, '"v1"', 'W/"v1"', '"v1-br"', 'no tag'),
  modified: fc.boolean(),
  vary: fc.constantFrom(
    undefined,
    ['Accept-Encoding'],
    ['Origin'],
    ['origin, ACCEPT-ENCODING'],
    ['origin', 'accept-encoding'],
    [''],
  ),
  control: fc.constantFrom(
    'max-age=600',
    'max-age=600',
    'max-age=600',
    'no-store',
    'max-age=600, no-transform',
    'no-cache',
  ),
  coded: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

const ACCEPTS = [
  undefined,
  '',
  'identity',
  'br',
  'zstd',
  'gzip',
  'x-gzip',
  'gzip, deflate, br, zstd',
  'gzip;q=1, br;q=0.5',
  'br;q=0, *',
  '*',
  '*;q=0',
  'identity;q=0',
  'identity;q=1, *;q=0.1',
  'deflate',
  'gzip;q=0.001',
  'BR',
  'gzip;q=2, br;;, ,',
  '\x21\x22,=;q',
];
const position = fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 400_000 }));
const spec = fc.oneof(
  fc.tuple(position, position).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  position.map((a) => `${a}-`),
  position.map((a) => `-${a}`),
  fc.constantFrom('0-0', '-1', '-0', '5-2', 'x', ''),
);
const wanted: fc.Arbitrary<Wanted> = fc.record({
  protocol: fc.constantFrom(...CLIENT_PROTOCOLS),
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD'),
  accept: fc.constantFrom(...ACCEPTS),
  range: fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      // A blank at the end would be malformed, RFC 9113 section 8.2.1.
      arbitrary: fc.array(spec, { minLength: 1, maxLength: 4 }).map((specs) => `bytes=${specs.join(', ')}`.trimEnd()),
    },
  ),
  condition: fc.constantFrom(
    undefined,
    undefined,
    'if-none-match',
    'if-match',
    'if-range',
    'if-modified-since',
    'if-unmodified-since',
  ),
  tag: fc.nat({ max: 20 }),
});

const MODIFIED = 'Thu, 01 Jan 2015 00:00:00 GMT';
const WORDS = 'the quick brown fox {"jumps": over} <lazy>dogs</lazy>;\n';

function bytesOf({ size, noise }: Given, seed: number): Buffer {
  if (!noise) return Buffer.alloc(size, `${seed} ${WORDS}`);
  const bytes = Buffer.alloc(size);
  for (let i = 0, x = seed + 1; i < size; i += 1) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = x >>> 16;
  }
  return bytes;
}

let number = 0;

test("bodies are the origin's, byte for byte: cold, warm, and in every coding that was made since", async () => {
  const requests = fc.array(wanted, { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(given, requests, requests, requests, async (one, cold, warm, later) => {
      number += 1;
      const target = `/c/${number}`;
      const plain = bytesOf(one, number);
      const coded = one.coded && plain.length > 0;
      const wire = coded ? gzipSync(plain) : plain;
      stage.origin.play = (asked) => {
        asked.head(200, {
          'cache-control': one.control,
          ...(one.type !== undefined && { 'content-type': one.type }),
          ...(one.told && { 'content-length': wire.length }),
          ...(one.etag !== undefined && { etag: one.etag }),
          ...(one.modified && { 'last-modified': MODIFIED }),
          ...(one.vary !== undefined && { vary: one.vary }),
          ...(coded && { 'content-encoding': 'gzip' }),
        });
        if (asked.method === 'HEAD') return void asked.response.end();
        let at = 0;
        for (const piece of one.pieces) {
          if (at < wire.length) asked.write(wire.subarray(at, at + piece));
          at += piece;
        }
        asked.response.end(wire.subarray(Math.min(at, wire.length)));
      };
      const tags = ['"x"', '*', 'W/"v1"'];
      const strong = new Map<string, string>();
      const ask = async (want: Wanted): Promise<void> => {
        const fields: Record<string, string> = {};
        if (want.accept !== undefined) fields['accept-encoding'] = want.accept;
        if (want.range !== undefined) fields.range = want.range;
        if (want.condition?.endsWith('since')) fields[want.condition] = MODIFIED;
        else if (want.condition !== undefined) fields[want.condition] = tags[want.tag % tags.length]!;
        const got = await stage.get(target, { protocol: want.protocol, method: want.method, fields });
        check(got, want, { wire, plain, coded }, strong);
        const tag = got.of('etag');
        if (tag !== undefined && !tags.includes(tag)) tags.unshift(tag);
      };
      // All at once, so that some wait for the answer to another.
      await Promise.all(cold.map(ask));
      for (const want of warm) await ask(want);
      await stage.gateway.primary.generation.services.cache.maker.idle();
      for (const want of later) await ask(want);
    }),
    { numRuns: 200 },
  );
});
