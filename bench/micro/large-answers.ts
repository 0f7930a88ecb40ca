/**
 * Which way a large body from memory leaves node:http2 over TLS at the least cost: `node bench/micro/large-answers.ts
 * [SECONDS]`. 350 KB an answer; the server on one core, h2load on the other; rounds are interleaved. `--server` is the
 * server itself, which the bench starts.
 *
 * `respondWithFD` is not among them: Node 26.10 ends with a segmentation fault when a client goes while a file is read.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { makeCertificate } from '../console/certificate.ts';
import { type Load, load, type Measure, middle } from '../console/load.ts';
import { table } from '../console/report.ts';
import { freePorts, type Running, run } from '../console/running.ts';

const BODY_BYTES = 350_000;
const ROUNDS = 3;
const [SERVER_CORE, LOAD_CORE] = ['0', '1'];

type Stream = http2.ServerHttp2Stream;
const [, , first, folder = '', port = ''] = process.argv;

/** Writes parts of a size and waits for the drain where the stream asks for it. */
function inParts(body: Buffer, bytes: number): (stream: Stream) => void {
  return (stream) => {
    let at = 0;
    const more = (): void => {
      while (at < body.length) {
        const part = body.subarray(at, at + bytes);
        at += part.length;
        if (at >= body.length) return void stream.end(part);
        if (!stream.write(part)) return void stream.once('drain', more);
      }
    };
    more();
  };
}

/** The same without waiting: everything is in the hands of the stream at once. */
function atOnce(body: Buffer, bytes: number): (stream: Stream) => void {
  return (stream) => {
    for (let at = 0; at < body.length; at += bytes) stream.write(body.subarray(at, at + bytes));
    stream.end();
  };
}

const HEAD = [':status', '200', 'content-type', 'text/javascript', 'content-length', String(BODY_BYTES)];

function ways(): Record<string, (stream: Stream) => void> {
  const body = readFileSync(join(folder, 'body'));
  const shared = Buffer.from(new SharedArrayBuffer(BODY_BYTES));
  body.copy(shared);
  const headed = (send: (stream: Stream) => void) => (stream: Stream) => {
    stream.respond(HEAD.slice());
    send(stream);
  };
  return {
    '/end': headed((stream) => void stream.end(body)),
    '/end-shared-memory': headed((stream) => void stream.end(shared)),
    '/end-with-trailers-hop': (stream) => {
      stream.respond(HEAD.slice(), { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.close());
      stream.end(body);
    },
    '/write-whole-then-end': headed((stream) => {
      stream.write(body);
      stream.end();
    }),
    '/parts-16k-drain': headed(inParts(body, 16_384)),
    '/parts-64k-drain': headed(inParts(body, 65_536)),
    '/parts-128k-drain': headed(inParts(body, 131_072)),
    '/parts-16k-at-once': headed(atOnce(body, 16_384)),
    '/parts-64k-at-once': headed(atOnce(body, 65_536)),
    '/readable-pipe-64k': headed((stream) => {
      const parts = Array.from({ length: Math.ceil(BODY_BYTES / 65_536) }, (_, i) =>
        body.subarray(i * 65_536, (i + 1) * 65_536),
      );
      Readable.from(parts).pipe(stream);
    }),
  };
}

/** How a server is made: options of node:http2 and flags of node. */
interface Variant {
  readonly flags?: readonly string[];
  readonly options?: http2.SecureServerOptions & { readonly highWaterMark?: number };
  readonly maxSendFragment?: number;
  /** Ways that are measured on it; all when left out. */
  readonly only?: readonly string[];
}

const AES_128_FIRST = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
const END = ['/end', '/parts-64k-drain'];
const VARIANTS: Record<string, Variant> = {
  'as it is': {},
  'AES-128 first': { options: { ciphers: AES_128_FIRST, honorCipherOrder: true }, only: END },
  "client's ciphers": { options: { honorCipherOrder: false }, only: END },
  'highWaterMark 1 MiB': { options: { highWaterMark: 1 << 20 }, only: END },
  'TLS records of 4 KiB': { maxSendFragment: 4096, only: END },
  'semi-space 32 MiB': { flags: ['--max-semi-space-size=32'], only: END },
};

function serve({ options, maxSendFragment }: Variant): void {
  const all = ways();
  const server = http2.createSecureServer({
    ...options,
    key: readFileSync(join(folder, 'tls.key')),
    cert: readFileSync(join(folder, 'tls.crt')),
  });
  if (maxSendFragment !== undefined) {
    server.on('secureConnection', (socket: TLSSocket) => socket.setMaxSendFragment(maxSendFragment));
  }
  server.on('stream', (stream: Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on('error', () => {});
    all[headers[':path'] ?? '']!(stream);
  });
  server.on('sessionError', () => {});
  server.listen(Number(port), '127.0.0.1');
  process.once('SIGTERM', () => process.exit(0));
}

async function bench(seconds: number): Promise<void> {
  const own = mkdtempSync(join(tmpdir(), 'gatehouse-large-'));
  await using servers = new AsyncDisposableStack();
  servers.defer(() => rmSync(own, { recursive: true, force: true }));
  makeCertificate(own);
  writeFileSync(join(own, 'body'), Buffer.from(Array.from({ length: BODY_BYTES }, (_, i) => (i * 7919) & 255)));
  const asked: { name: string; path: string; at: number; server: Running; measures: Measure[] }[] = [];
  for (const [name, { flags = [], only }] of Object.entries(VARIANTS)) {
    const [at] = (await freePorts(1)) as [number];
    const command = [process.execPath, ...flags, import.meta.filename, `--server=${name}`, own, String(at)];
    const server = servers.use(await run({ command, cores: SERVER_CORE!, port: at }));
    for (const path of only ?? WAYS) asked.push({ name, path, at, server, measures: [] });
  }
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const { path, at, server, measures } of asked) {
      const what: Load = { paths: [path], clients: 8, streams: 2 };
      const measure = await load(server, what, { port: at, seconds, cores: LOAD_CORE!, folder: own });
      if (round > 0) measures.push(measure);
    }
  }
  const rows = asked.map(({ name, path, measures }) => {
    const { answersPerS, answersPerCpuS, busy, p99Ms, failed } = middle(measures);
    const cost = (1e6 / answersPerCpuS).toFixed(0);
    const rest = [`${Math.round(busy * 100)} %`, p99Ms.toFixed(1), String(failed)];
    return [`${path.slice(1)}, ${name}`, cost, answersPerS.toFixed(0), ...rest];
  });
  process.stdout.write(`${table([['', 'CPU µs', 'answers/s', 'busy', 'p99 ms', 'failed'], ...rows])}\n`);
}

const WAYS = [
  '/end',
  '/end-shared-memory',
  '/end-with-trailers-hop',
  '/write-whole-then-end',
  '/parts-16k-drain',
  '/parts-64k-drain',
  '/parts-128k-drain',
  '/parts-16k-at-once',
  '/parts-64k-at-once',
  '/readable-pipe-64k',
];

if (first?.startsWith('--server=')) serve(VARIANTS[first.slice('--server='.length)]!);
else await bench(Number(first ?? 2));
