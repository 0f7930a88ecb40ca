/**
 * What HPACK costs: `node bench/micro/hpack.ts`. Nanoseconds a field to read a browser's request, and to write an answer
 * as ZITADEL's through the gateway; the first of a connection, and those after it. Then the bytes of a mix of answers.
 */

import { HpackDecoder } from '../../src/transport/engines/frames/hpack/decoder.ts';
import { HpackEncoder } from '../../src/transport/engines/frames/hpack/encoder.ts';
import { huffmanBytes, writeHuffman } from '../../src/transport/engines/frames/hpack/huffman.ts';
import { writeInteger } from '../../src/transport/engines/frames/hpack/integers.ts';
import { STATIC_NAME_INDEX } from '../../src/transport/engines/frames/hpack/static-table.ts';

const BLOCKS = 100_000;
const ROUNDS = 3;
const LIMITS = { maxTableBytes: 4096, maxHeaderBytes: 65_536, maxFields: 100 };

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

/** The nth answer: 16 fields with its status. */
const answer = (n: number): string[] => [
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

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
let kept = 0;

function measure(title: string, fields: number, one: (n: number) => number): void {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    // The thread's own time: what else runs on the machine does not count.
    const begun = process.threadCpuUsage();
    for (let n = 0; n < BLOCKS; n += 1) kept += one(n);
    const { user, system } = process.threadCpuUsage(begun);
    if (round > 0) rounds.push(((user + system) / BLOCKS) * 1000);
  }
  const whole = median(rounds);
  console.log(`${title}: ${(whole / fields).toFixed(0)} ns a field, ${whole.toFixed(0)} ns a block`);
}

const first = Buffer.concat(REQUEST.map(([name, value]) => literal(name, value)));
measure('read a request, the first', REQUEST.length, () => new HpackDecoder(LIMITS).decode(first).count);

const decoder = new HpackDecoder(LIMITS);
decoder.decode(first);
const indexed = Buffer.from(REQUEST.map((_, i) => 0x80 + 62 + REQUEST.length - 1 - i));
measure('read a request, repeated', REQUEST.length, () => decoder.decode(indexed).count);
const path = Buffer.from([...literal(':path', '/ui/console/chunk-4UBZJX7R.js')].with(0, 0x04));
const other = Buffer.concat([indexed.subarray(0, 3), path, indexed.subarray(4)]);
measure('read a request, another path', REQUEST.length, () => decoder.decode(other).count);

const answers = Array.from({ length: 4096 }, (_, n) => answer(n));
measure('write an answer, the first', 16, (n) => new HpackEncoder().encode(200, answers[n & 4095]!, 9).length);
const encoder = new HpackEncoder();
measure('write an answer, others after it', 16, (n) => encoder.encode(200, answers[n & 4095]!, 9).length);
measure('write an answer, repeated', 16, () => encoder.encode(200, answers[7]!, 9).length);

for (const length of [1, 30, 1000]) {
  const mixed = new HpackEncoder();
  let bytes = 0;
  for (let n = 0; n < length; n += 1) bytes += mixed.encode(200, answers[n]!).length;
  console.log(`${length} answers on a connection: ${(bytes / length).toFixed(0)} bytes a header block`);
}
if (kept === 0) throw new Error('nothing was measured');
