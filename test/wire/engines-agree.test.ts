// Conversations that are all legal, as no client would hold them, with every HTTP/2 engine: split and padded headers,
// windows and table sizes that change under way, streams in any order, resets. RFC 9113 sections 4 to 8.
// Harm: what a request says depends on the engine that is configured, and an answer on when its frames came.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { NOBODY, type RawReply, type RawRequest } from '../../src/core/raw.ts';
import { HpackDecoder } from '../../src/http2/hpack/decoder.ts';
import { ENGINES } from '../../src/transport/engines/index.ts';
import { FUZZ_SEED } from '../support/chance.ts';
import {
  connectFrames,
  FrameType as F,
  Flag,
  type FramePeer,
  frame,
  headerBlock,
  uint32,
} from '../support/h2-frames.ts';
import { startListener } from '../support/listener.ts';
import { Lookout } from '../support/lookout.ts';

/** What one request is, and how its frames are cut. */
interface Spoken {
  readonly fields: readonly (readonly [string, string])[];
  /** Lengths of the pieces of its header block that come before the last. */
  readonly cuts: readonly number[];
  readonly padding: number;
  readonly priority: boolean;
  readonly body: readonly { readonly bytes: number; readonly padding: number }[];
  readonly end: 'with the last' | 'empty DATA' | 'trailers' | 'reset';
  /** What it is answered with. */
  readonly answer: { readonly bytes: number; readonly piece: number; readonly trailers: boolean };
}

type Between = Buffer;

const name = fc.constantFrom(
  'a',
  'b',
  'x-long-name',
  'cookie',
  'accept',
  'user-agent',
  'grpc-timeout',
  'authorization',
  'content-type',
  'x-forwarded-for',
);
const value = fc.string({ maxLength: 30 }).map((text) => text.replace(/[^\x21-\x7e]/g, '') || 'v');
const field = fc.tuple(name, value);
const padding = fc.oneof(fc.constant(-1), fc.nat(255));
const spoken: fc.Arbitrary<Spoken> = fc.record({
  fields: fc.array(field, { maxLength: 6 }),
  cuts: fc.array(fc.nat(40), { maxLength: 4 }),
  padding,
  priority: fc.boolean(),
  body: fc.array(fc.record({ bytes: fc.oneof(fc.nat(20), fc.nat(2000)), padding }), { maxLength: 4 }),
  end: fc.constantFrom('with the last', 'empty DATA', 'trailers', 'reset'),
  answer: fc.record({
    bytes: fc.oneof(fc.nat(20), fc.nat(40_000)),
    piece: fc.integer({ min: 1, max: 20_000 }),
    trailers: fc.boolean(),
  }),
});

function settings(id: number, to: number): Buffer {
  return frame(F.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, id]), uint32(to)]));
}

/** Frames that may come between any two, but not within a header block. */
const between: fc.Arbitrary<Between> = fc.oneof(
  fc.nat(100_000).map((bytes) => settings(0x4, bytes)),
  fc.nat(4096).map((bytes) => settings(0x1, bytes)),
  fc.constant(frame(F.PING, 0, 0, 'whatever')),
  fc.integer({ min: 1, max: 9999 }).map((bytes) => frame(F.WINDOW_UPDATE, 0, 0, uint32(bytes))),
  fc.nat(40).map((i) => frame(F.PRIORITY, 0, 101 + 2 * i, Buffer.alloc(5))),
  fc.constant(frame(0x42, 0xff, 0, 'nobody knows')),
);

function padded(type: number, flags: number, stream: number, payload: Buffer, pad: number): Buffer {
  if (pad < 0) return frame(type, flags, stream, payload);
  return frame(type, flags | Flag.PADDED, stream, Buffer.concat([Buffer.from([pad]), payload, Buffer.alloc(pad)]));
}

/** The frames of a header block, which go together. */
function block(id: number, fields: readonly (readonly [string, string])[], ended: boolean, how: Spoken): Buffer {
  let rest = headerBlock(fields);
  const pieces: Buffer[] = [];
  for (const cut of how.cuts) {
    pieces.push(rest.subarray(0, cut));
    rest = rest.subarray(cut);
  }
  pieces.push(rest);
  return Buffer.concat(
    pieces.map((piece, i) => {
      const last = i === pieces.length - 1 ? Flag.END_HEADERS : 0;
      if (i > 0) return frame(F.CONTINUATION, last, id, piece);
      const flags = last | (ended ? Flag.END_STREAM : 0) | (how.priority ? Flag.PRIORITY : 0);
      const payload = how.priority ? Buffer.concat([Buffer.from([0, 0, 0, 0, 9]), piece]) : piece;
      return padded(F.HEADERS, flags, id, payload, how.padding);
    }),
  );
}

/** What a client says of one request, in the order it must be said. */
function said(id: number, one: Spoken): Buffer[] {
  const { answer, body, end } = one;
  const head: [string, string][] = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'a.example'],
    [':path', `/${id}?${answer.bytes},${answer.piece},${answer.trailers ? 1 : 0}`],
  ];
  const bare = end === 'with the last' && body.length === 0;
  const frames = [block(id, [...head, ...one.fields], bare, one)];
  body.forEach(({ bytes, padding: pad }, i) => {
    const ended = end === 'with the last' && i === body.length - 1;
    frames.push(padded(F.DATA, ended ? Flag.END_STREAM : 0, id, Buffer.alloc(bytes, `${id}.${i}`), pad));
  });
  if (end === 'empty DATA') frames.push(frame(F.DATA, Flag.END_STREAM, id));
  if (end === 'trailers')
    frames.push(block(id, [['x-sum', String(id)], ...one.fields.filter(([n]) => n !== 'cookie')], true, one));
  if (end === 'reset') frames.push(frame(F.RST_STREAM, 0, id, uint32(8)));
  return frames;
}

const digest = (bytes: Buffer): string =>
  `${bytes.length} ${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}`;

/** Answers each request, once it is whole, as its target says; remembers what it was. */
async function startEngine(engine: keyof typeof ENGINES) {
  const heard = new Map<string, unknown>();
  const lookout = new Lookout();
  const answer = (request: RawRequest, _reply: RawReply): void => {
    const { stream, target } = request;
    const [bytes, piece, trailers] = target
      .slice(target.indexOf('?') + 1)
      .split(',')
      .map(Number) as [number, number, number];
    const key = `${request.connection.id} ${target}`;
    const body: Uint8Array[] = [];
    const note = (end: unknown): void => {
      heard.set(key, end);
      lookout.look();
    };
    stream.receiver = {
      ...NOBODY,
      onData: (chunk) => void body.push(chunk),
      onReset: ({ by, code }) => note({ by, code }),
      onEnd(sent) {
        note({
          method: request.method,
          fields: request.fields,
          headers: Object.fromEntries(Object.entries(request.headers)),
          body: digest(Buffer.concat(body)),
          sent,
        });
        stream.respond(200, ['x-for', target, 'content-type', 'text/plain', 'x-again', 'same'], false);
        for (let at = 0; at < bytes; at += piece) stream.write(Buffer.alloc(Math.min(piece, bytes - at), 'z'));
        stream.end(trailers === 1 ? ['x-done', target] : undefined);
      },
    };
    if (stream.ended) stream.receiver.onEnd(undefined);
    else stream.resume();
  };
  const server = await startListener({ engine: ENGINES[engine], answer });
  return { server, heard, lookout };
}

/** What the client was answered, by stream; its frames in whatever pieces. */
function answers(client: FramePeer, ids: readonly number[]): Record<number, unknown> {
  const decoder = new HpackDecoder({ maxTableBytes: 4096, maxHeaderBytes: 65_536, maxFields: 100 });
  const lists = new Map<number, string[][]>();
  for (const { type, stream, payload } of client.frames) {
    if (type !== F.HEADERS) continue;
    const list = decoder
      .decode(payload)
      .fields.flatMap((text, i, all) => (i % 2 === 0 ? [`${text}: ${all[i + 1]}`] : []));
    lists.set(stream, [...(lists.get(stream) ?? []), list.filter((line) => !line.startsWith('date:'))]);
  }
  return Object.fromEntries(
    ids.map((id) => [
      id,
      { heads: lists.get(id), body: digest(client.body(id)), last: client.of(id).at(-1)?.includes('+END_STREAM') },
    ]),
  );
}

test('legal conversations: an application hears the same on every engine, and a client is answered the same', {
  timeout: 110_000,
}, async () => {
  const engines = await Promise.all((Object.keys(ENGINES) as (keyof typeof ENGINES)[]).map(startEngine));
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(spoken, { minLength: 1, maxLength: 6 }),
        fc.array(between, { maxLength: 8 }),
        fc.array(fc.nat(1000), { minLength: 60, maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 6 }),
        async (requests, others, order, cuts) => {
          const results: unknown[] = [];
          for (const { server, heard, lookout } of engines) {
            heard.clear();
            using client = await connectFrames(server.port);
            client.giveWindow = false;
            // From here on all that it says is said below: no answer of its own comes in the middle of a frame.
            await client.settled();
            client.answerSettings = false;
            // Streams are opened in the order of their ids; everything else comes in any order.
            const queues = [...requests.map((one, i) => said(1 + 2 * i, one)), [...others]];
            const script: Buffer[] = [];
            let opened = 0;
            for (let i = 0; queues.some((queue) => queue.length > 0); i += 1) {
              const open = queues.filter((queue, n) => queue.length > 0 && (n <= opened || n === requests.length));
              const queue = open[order[i % order.length]! % open.length]!;
              if (queue === queues[opened] && opened < requests.length) opened += 1;
              script.push(queue.shift()!);
            }
            let bytes = Buffer.concat(script);
            for (const cut of cuts) {
              client.send(bytes.subarray(0, cut));
              bytes = bytes.subarray(cut);
              await new Promise((resolve) => setImmediate(resolve));
            }
            client.send(bytes, settings(0x4, 1_000_000), frame(F.WINDOW_UPDATE, 0, 0, uint32(10_000_000)));
            const ids = requests.flatMap(({ end }, i) => (end === 'reset' ? [] : [1 + 2 * i]));
            for (const id of ids) await client.finished(id);
            await lookout.until(() => heard.size === requests.length);
            assert.equal(client.closed, false);
            assert.ok(!client.frames.some(({ type }) => type === F.GOAWAY));
            const told = [...heard]
              .map(([key, what]) => [key.split(' ')[1], what] as const)
              .toSorted(([a], [b]) => (a! < b! ? -1 : 1));
            results.push({ told, answers: answers(client, ids) });
          }
          assert.deepEqual(results[1], results[0]);
        },
      ),
      { numRuns: 300, seed: FUZZ_SEED, endOnFailure: true },
    );
  } finally {
    for (const { server } of engines) await server[Symbol.asyncDispose]();
  }
});
