/** Valid HTTP/2 conversations, and what can be done to them so that they are none: RFC 9113 sections 4 to 8, RFC 7541. */

import type { Chance } from '../support/chance.ts';
import { Flag, FrameType, headerBlock, uint32 } from '../support/h2-frames.ts';

/** A frame as it will be written; `length` where it lies about its payload. */
export interface Draft {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
  length?: number;
}

type Fields = readonly (readonly [string, string])[];

/** The bytes of a draft. */
export function written({ type, flags, stream, payload, length = payload.length }: Draft): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length & 0xffffff, 0, 3);
  head[3] = type & 0xff;
  head[4] = flags & 0xff;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

function request(method: string, path: string, more: Fields = []): Fields {
  return [[':method', method], [':scheme', 'https'], [':authority', 'localhost'], [':path', path], ...more];
}

const draft = (type: number, flags: number, stream: number, payload: Buffer | string = ''): Draft => ({
  type,
  flags,
  stream,
  payload: Buffer.from(payload as string),
});
const head = (stream: number, fields: Fields, flags = 0): Draft =>
  draft(FrameType.HEADERS, flags | Flag.END_HEADERS, stream, headerBlock(fields));
const data = (stream: number, payload: Buffer | string, flags = 0): Draft =>
  draft(FrameType.DATA, flags, stream, payload);
const setting = (id: number, value: number): Buffer =>
  Buffer.concat([Buffer.from([id >> 8, id & 0xff]), uint32(value)]);

const GET = request('GET', '/v2/users', [['accept', 'application/json']]);
const POST = request('POST', '/v2/users', [['content-type', 'application/json']]);
const CALL = request('POST', '/zitadel.user.v2.UserService/GetUserByID', [
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
]);

/** Conversations that are in order, each with its own streams. */
const VALID: readonly (() => Draft[])[] = [
  () => [head(1, GET, Flag.END_STREAM), head(3, GET, Flag.END_STREAM)],
  () => [head(1, POST), data(1, '{"a":'), data(1, '1}', Flag.END_STREAM)],
  () => [head(1, CALL), data(1, '\0\0\0\0\0', Flag.END_STREAM), head(3, CALL), data(3, '\0\0\0\0\x02\x0a\0')],
  () => [head(1, POST), data(1, 'x'), head(1, [['x-trailer', 'a']], Flag.END_STREAM)],
  () => {
    const block = headerBlock([...GET, ['x-long', 'y'.repeat(200)]]);
    return [
      draft(FrameType.HEADERS, Flag.END_STREAM, 1, block.subarray(0, 20)),
      draft(FrameType.CONTINUATION, 0, 1, block.subarray(20, 90)),
      draft(FrameType.CONTINUATION, Flag.END_HEADERS, 1, block.subarray(90)),
    ];
  },
  () => [
    draft(
      FrameType.HEADERS,
      0x2d,
      1,
      Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 15]), headerBlock(GET), Buffer.alloc(4)]),
    ),
    head(3, POST),
    draft(FrameType.DATA, Flag.PADDED | Flag.END_STREAM, 3, Buffer.from('\x03abc\0\0\0')),
  ],
  () => [head(1, POST), head(3, POST), data(1, 'a'), data(3, 'b', Flag.END_STREAM), data(1, 'c', Flag.END_STREAM)],
  () => [head(1, POST), draft(FrameType.RST_STREAM, 0, 1, uint32(8)), head(3, GET, Flag.END_STREAM)],
  () => [
    draft(FrameType.SETTINGS, 0, 0, Buffer.concat([setting(4, 10), setting(1, 0)])),
    head(1, GET, Flag.END_STREAM),
    draft(FrameType.WINDOW_UPDATE, 0, 1, uint32(100)),
    draft(FrameType.PING, 0, 0, '12345678'),
  ],
  () => [head(1, [...POST, ['content-length', '4']]), data(1, 'abcd', Flag.END_STREAM)],
  () => [head(1, [...POST, ['expect', '100-continue']]), data(1, 'abcd', Flag.END_STREAM)],
];

/** A header block that no encoder writes; `valid` is put around some of them. */
const BLOCKS: readonly ((chance: Chance, valid: Buffer) => Buffer)[] = [
  () => Buffer.from([0x80]), // index 0
  (chance, valid) => Buffer.concat([valid, Buffer.from([0xff, chance.below(128), 0x01])]), // an index that nothing has
  (_chance, valid) => Buffer.concat([valid, Buffer.from([0xff, ...Array<number>(9).fill(0xff), 0x7f])]), // integer overflow
  (_chance, valid) => Buffer.concat([Buffer.from([0x20]), valid]), // the table emptied
  (_chance, valid) => Buffer.concat([Buffer.from([0x3f, 0xe1, 0xff, 0x03]), valid]), // a table larger than was allowed
  (_chance, valid) => Buffer.concat([valid, Buffer.from([0x20])]), // the size changed at the end of a block
  (_chance, valid) => Buffer.concat([valid, Buffer.from([0x00, 0x82, 0xff, 0xff, 0x01, 0x61])]), // Huffman with EOS
  (_chance, valid) => Buffer.concat([valid, Buffer.from([0x00, 0x7f, 0xff, 0xff, 0xff, 0x07])]), // a name of 256 MiB
  // HPACK bomb: 4,000 bytes in the table, then named by one byte each.
  (chance, valid) =>
    Buffer.concat([
      valid,
      Buffer.from([0x40, 0x01, 0x78, 0x7f, 0xa1, 0x1e]),
      Buffer.alloc(4000, 'b'),
      Buffer.alloc(1 + chance.below(12_000), 0xbe),
    ]),
  (chance, valid) => Buffer.concat([valid, Buffer.alloc(chance.below(9000), 0x82)]), // `:method` again and again
  (chance) => chance.bytes(chance.below(300)),
  () => Buffer.alloc(0),
];

const LONG = 'a'.repeat(40_000);
/** Fields that a request may not have, or has already, RFC 9113 sections 8.2 and 8.3. */
const FIELDS: readonly Fields[] = [
  [['X-Upper', 'a']],
  [['', 'a']],
  [['', '']],
  [[':path', '/second']],
  [[':method', 'GET']],
  [[':status', '200']],
  [[':protocol', 'websocket']],
  [[':unknown', 'a']],
  [['connection', 'close']],
  [['transfer-encoding', 'chunked']],
  [['te', 'gzip']],
  [['upgrade', 'h2c']],
  [['content-length', '1']],
  [['content-length', '-1']],
  [['content-length', '99999999999999999999']],
  [['host', 'other']],
  [['x', 'a\r\nb: c']],
  [['x', 'a\0b']],
  [['x y', 'a']],
  [['x', ' a ']],
  [['x', LONG]],
  [[LONG, 'x']],
  [
    ['cookie', 'a=1'],
    ['cookie', ''],
    ['cookie', ';;;'],
  ],
  Array.from({ length: 3000 }, (_, i) => [`h${i}`, ''] as const),
];

/** Requests whose pseudo-header fields are wrong. */
const REQUESTS: readonly Fields[] = [
  [],
  [['accept', 'a'], ...GET],
  GET.slice(1),
  GET.slice(0, 3),
  GET.filter(([name]) => name !== ':scheme'),
  GET.filter(([name]) => name !== ':authority'),
  request('GET', ''),
  request('GET', '*'),
  request('GET', '/%00/%ff/%'),
  request('GET', '/\x80\xff'),
  request('GET', 'https://localhost/v2/users'),
  request('', '/v2/users'),
  request('GET\r\n', '/v2/users'),
  request('CONNECT', '/v2/users'),
  [
    [':method', 'CONNECT'],
    [':authority', 'localhost:443'],
  ],
  [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', '/'],
  ],
  [
    [':method', 'OPTIONS'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', '*'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'file'],
    [':authority', '[::1'],
    [':path', '/v2/users'],
  ],
];

const ODD_STREAMS = [0, 1, 2, 3, 5, 7, 255, 0x7fffffff, 0x80000001, 0xffffffff];
const ODD_NUMBERS = [0, 1, 2, 16_383, 16_384, 16_777_215, 16_777_216, 0x7fffffff, 0x80000000, 0xffffffff];

/** Frames that come where nobody waits for them. */
const STRAY: readonly ((chance: Chance) => Draft[])[] = [
  (chance) => [draft(FrameType.WINDOW_UPDATE, 0, chance.of(ODD_STREAMS), uint32(chance.of(ODD_NUMBERS)))],
  (chance) => [data(chance.of(ODD_STREAMS), chance.bytes(chance.below(50)), chance.below(256))],
  (chance) => [draft(FrameType.RST_STREAM, 0, chance.of(ODD_STREAMS), uint32(chance.of(ODD_NUMBERS)))],
  (chance) => [draft(FrameType.CONTINUATION, chance.below(8), chance.of(ODD_STREAMS), chance.bytes(chance.below(20)))],
  (chance) => [draft(FrameType.SETTINGS, 0, 0, setting(chance.below(10), chance.of(ODD_NUMBERS)))],
  (chance) => [draft(FrameType.SETTINGS, chance.below(2), chance.below(2), chance.bytes(chance.below(14)))],
  (chance) => Array.from({ length: 40 }, () => draft(FrameType.SETTINGS, 0, 0, setting(4, chance.of(ODD_NUMBERS)))),
  (chance) => Array.from({ length: 1 + chance.below(60) }, () => draft(FrameType.PING, 0, 0, chance.bytes(8))),
  (chance) => [draft(FrameType.PING, chance.below(2), chance.below(2), chance.bytes(chance.below(17)))],
  (chance) => {
    const stream = chance.of(ODD_STREAMS);
    return [draft(FrameType.PRIORITY, 0, stream, Buffer.concat([uint32(stream), Buffer.from([255])]))];
  },
  (chance) => [draft(FrameType.PRIORITY, 0, chance.of(ODD_STREAMS), chance.bytes(chance.below(8)))],
  (chance) => [
    draft(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32(chance.of(ODD_STREAMS)), uint32(chance.below(16))])),
  ],
  (chance) => [draft(FrameType.GOAWAY, 0, chance.below(3), chance.bytes(chance.below(12)))],
  (chance) => [draft(FrameType.PUSH_PROMISE, 4, chance.of(ODD_STREAMS), Buffer.concat([uint32(2), headerBlock(GET)]))],
  (chance) => [
    draft(10 + chance.below(246), chance.below(256), chance.of(ODD_STREAMS), chance.bytes(chance.below(64))),
  ],
  (chance) => [head(chance.of(ODD_STREAMS), chance.of(REQUESTS), chance.below(2))],
  (chance) => Array.from({ length: 1 + chance.below(200) }, () => data(1, '')),
  (chance) => Array.from({ length: 1 + chance.below(200) }, () => draft(FrameType.CONTINUATION, 0, 1)),
];

type Mutation = (frames: Draft[], at: number, chance: Chance) => void;

const MUTATIONS: readonly Mutation[] = [
  (frames, at, chance) => {
    frames[at]!.type = chance.below(12);
  },
  (frames, at, chance) => {
    frames[at]!.flags ^= 1 << chance.below(8);
  },
  (frames, at, chance) => {
    frames[at]!.stream = chance.of(ODD_STREAMS);
  },
  (frames, at, chance) => {
    frames[at]!.length = chance.of([0, 1, frames[at]!.payload.length + 1, 16_385, 0xffffff]);
  },
  (frames, at, chance) => {
    const { payload } = frames[at]!;
    if (payload.length > 0) payload[chance.below(payload.length)]! ^= 1 << chance.below(8);
  },
  (frames, at, chance) => {
    const { payload } = frames[at]!;
    frames[at]!.payload = payload.subarray(0, chance.below(payload.length + 1));
  },
  (frames, at, chance) => {
    frames[at]!.payload = Buffer.concat([frames[at]!.payload, chance.bytes(chance.below(40))]);
  },
  (frames, at) => void frames.splice(at, 0, { ...frames[at]! }),
  (frames, at) => void frames.splice(at, 1),
  (frames, at, chance) => {
    const other = chance.below(frames.length);
    [frames[at], frames[other]] = [frames[other]!, frames[at]!];
  },
  (frames, at, chance) => void frames.splice(at, 0, ...chance.of(STRAY)(chance)),
  (frames, at, chance) => void frames.splice(at + 1, 0, ...chance.of(STRAY)(chance)),
  (frames, at, chance) => {
    if (frames[at]!.type === FrameType.HEADERS) frames[at]!.payload = chance.of(BLOCKS)(chance, headerBlock(GET));
  },
  (frames, at, chance) => {
    if (frames[at]!.type !== FrameType.HEADERS) return;
    const block = chance.oneIn(2)
      ? [frames[at]!.payload, headerBlock(chance.of(FIELDS))]
      : [headerBlock(chance.of(REQUESTS))];
    frames.splice(at, 1, ...cut({ ...frames[at]!, payload: Buffer.concat(block) }));
  },
];

/** A block that is too long for one frame goes on in CONTINUATION. */
function cut(whole: Draft): Draft[] {
  const most = 16_384;
  if (whole.payload.length <= most) return [whole];
  const out: Draft[] = [{ ...whole, flags: whole.flags & ~Flag.END_HEADERS, payload: whole.payload.subarray(0, most) }];
  for (let at = most; at < whole.payload.length; at += most) {
    const last = at + most >= whole.payload.length;
    out.push(
      draft(FrameType.CONTINUATION, last ? Flag.END_HEADERS : 0, whole.stream, whole.payload.subarray(at, at + most)),
    );
  }
  return out;
}

/** A conversation with one to four things wrong. `framed`: its frames are as long as they say. */
export function mutated(chance: Chance): {
  readonly bytes: Buffer;
  readonly framed: boolean;
  readonly frames: Draft[];
} {
  const frames = chance.of(VALID)();
  for (let left = 1 + chance.below(4); left > 0 && frames.length > 0; left -= 1) {
    chance.of(MUTATIONS)(frames, chance.below(frames.length), chance);
  }
  const framed = frames.every(({ length, payload }) => length === undefined || length === payload.length);
  return { bytes: Buffer.concat(frames.map(written)), framed, frames };
}
