/** What HPACK costs: a browser's request is read, an answer as ZITADEL's through the gateway is written. */

import assert from 'node:assert/strict';
import type { Fields } from '../../src/core/raw.ts';
import { type HeaderList, HpackDecoder } from '../../src/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../src/http2/hpack/encoder.ts';
import { huffmanBytes, writeHuffman } from '../../src/http2/hpack/huffman.ts';
import { writeInteger } from '../../src/http2/hpack/integers.ts';
import { STATIC_NAME_INDEX } from '../../src/http2/hpack/static-table.ts';
import { type Case, inTurn, measured } from './case.ts';
import { GRPC_FIELDS } from './requests.ts';

const LIMITS = { maxTableBytes: 4096, maxHeaderBytes: 65_536, maxFields: 100 };
/** Room for the head of the frame. */
const ROOM = 9;

const REQUEST: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':authority', 'login.example.com'],
  [':scheme', 'https'],
  [':path', '/ui/console/assets/i18n/en.json'],
  ['sec-ch-ua', '"Chromium";v="131", "Not_A Brand";v="24"'],
  [
    'user-agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  ],
  ['accept', 'application/json, text/plain, */*'],
  ['sec-fetch-site', 'same-origin'],
  ['referer', 'https://login.example.com/ui/console/'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['accept-language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['cookie', '__Host-zitadel.useragent=MTczNDA5NjQ1NHxuZE1fVmZ5Q2h3T0RsQ3ZyQ2p3; theme=dark'],
];

const CSP =
  "default-src 'none'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'; connect-src 'self' *.login.example.com; " +
  "style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' blob: data:; manifest-src 'self'; object-src 'none'";

/** The nth answer of a connection: with its status 16 fields. */
export const answer = (n: number): string[] => [
  ...['server', 'gatehouse', 'date', new Date(1.7e12 + 1000 * (n >> 3)).toUTCString()],
  ...['content-type', 'text/javascript; charset=utf-8', 'content-length', String(1000 + ((n * 7919) % 90_000))],
  ...['cache-control', 'public, max-age=604800, immutable', 'vary', 'Accept-Encoding', 'content-encoding', 'br'],
  ...['etag', `"${((n * 2_654_435_761) >>> 0).toString(16)}-br"`, 'age', String(n % 1000)],
  ...[
    'x-request-id',
    `${((n * 40_503) >>> 0).toString(16).padStart(8, '0')}-4e7d-9c1b-2f6a`,
    'content-security-policy',
    CSP,
  ],
  ...['strict-transport-security', 'max-age=31536000; includeSubDomains', 'x-content-type-options', 'nosniff'],
  ...['x-frame-options', 'DENY', 'referrer-policy', 'same-origin'],
];

/** As browsers write: everything is inserted. */
function literal(name: string, value: string): Buffer {
  const out = Buffer.alloc(1024);
  const index = STATIC_NAME_INDEX.get(name) ?? 0;
  let at = writeInteger(out, 0, 0x40, 0x3f, index);
  for (const text of index === 0 ? [name, value] : [value]) {
    at = writeHuffman(out, writeInteger(out, at, 0x80, 0x7f, huffmanBytes(text)), text);
  }
  return out.subarray(0, at);
}

const reads =
  (fields: Fields, path = fields[7]) =>
  (list: HeaderList) => {
    assert.equal(list.exceeded, undefined);
    assert.deepEqual(list.fields, fields.with(7, path!));
  };
const asRead = REQUEST.flat();
const first = Buffer.concat(REQUEST.map(([name, value]) => literal(name, value)));
const decoder = new HpackDecoder(LIMITS);
decoder.decode(first);
const indexed = Buffer.from(REQUEST.map((_, i) => 0x80 + 62 + REQUEST.length - 1 - i));
// Not inserted, and in the place of the fourth field.
const path = Buffer.from([...literal(':path', '/ui/console/chunk-4UBZJX7R.js')].with(0, 0x04));
const other = Buffer.concat([indexed.subarray(0, 3), path, indexed.subarray(4)]);

const CALL = '/zitadel.user.v2.UserService/ListUsers';
const call = [':method', 'POST', ':authority', 'id.example.com', ':scheme', 'http', ':path', CALL, ...GRPC_FIELDS];
const ofGrpc = Buffer.concat(
  Array.from({ length: call.length / 2 }, (_, i) => literal(call[2 * i]!, call[2 * i + 1]!)),
);

const answers = Array.from({ length: 4096 }, (_, n) => answer(n));
const next = inTurn(answers);
const encoder = new HpackEncoder();

/** Whether a peer reads what one encoder writes of the first answers; a block alone says nothing without those before it. */
function readsBack(block: Buffer): void {
  assert.ok(block.length > ROOM);
  const [writer, reader] = [new HpackEncoder(), new HpackDecoder(LIMITS)];
  for (const fields of answers.slice(0, 64)) {
    const { fields: read } = reader.decode(writer.encode(200, fields, ROOM).subarray(ROOM));
    assert.deepEqual(read, [':status', '200', ...fields]);
  }
}

export const cases: readonly Case[] = [
  measured("a browser's request, the first", () => new HpackDecoder(LIMITS).decode(first), reads(asRead)),
  measured('the same, repeated', () => decoder.decode(indexed), reads(asRead)),
  measured('the same, another path', () => decoder.decode(other), reads(asRead, '/ui/console/chunk-4UBZJX7R.js')),
  measured("grpc-js's request, the first", () => new HpackDecoder(LIMITS).decode(ofGrpc), reads(call)),
  measured('an answer, the first', () => new HpackEncoder().encode(200, next(), ROOM), readsBack),
  measured('an answer, others after it', () => encoder.encode(200, next(), ROOM), readsBack),
  measured('an answer, repeated', () => encoder.encode(200, answers[7]!, ROOM), readsBack),
];
