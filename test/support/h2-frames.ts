/** HTTP/2 frame by frame: peers that see and say what a library would hide. RFC 9113 sections 4 to 6. */

import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import { Flag, FrameType, SettingId } from '../../src/http2/protocol.ts';
import { connectSocket } from './client-socket.ts';
import { Lookout } from './lookout.ts';
import { type PeerServer, servePeers } from './peer-server.ts';

export { Flag, FrameType, SettingId };

const NAME_OF = Object.fromEntries(Object.entries(FrameType).map(([name, type]) => [type, name]));
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** SETTINGS_MAX_FRAME_SIZE by default, RFC 9113 section 6.5.2. */
const MAX_FRAME = 16_384;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** An identifier of SETTINGS and its value. */
export type Setting = readonly [id: number, value: number];

/** A frame as bytes. */
export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload as string);
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** A header block of literal fields without indexing and without Huffman, RFC 7541 section 6.2.2. */
export function headerBlock(fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1');
    return Buffer.concat([integer(bytes.length, 7), bytes]);
  };
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0x00]), text(name), text(value)]));
}

/** An HPACK integer, RFC 7541 section 5.1. */
function integer(value: number, prefix: number): Buffer {
  const max = 2 ** prefix - 1;
  if (value < max) return Buffer.from([value]);
  const out = [max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80);
  out.push(rest);
  return Buffer.from(out);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** `HEADERS+END_STREAM 1`, `RST_STREAM 1 code 8`: a frame as a test says it. */
export function describe({ type, flags, stream, payload }: Frame): string {
  const name = NAME_OF[type] ?? `type ${type}`;
  const end = (type === FrameType.DATA || type === FrameType.HEADERS) && flags & Flag.END_STREAM ? '+END_STREAM' : '';
  const code =
    type === FrameType.RST_STREAM
      ? ` code ${payload.readUInt32BE(0)}`
      : type === FrameType.GOAWAY
        ? ` code ${payload.readUInt32BE(4)}`
        : '';
  return `${name}${end} ${stream}${code}`;
}

/** One end of an HTTP/2 connection, by hand. Answers SETTINGS and PING; gives windows back unless told not to. */
export class FramePeer {
  readonly socket: Socket;
  /** Every frame that came, in order. */
  readonly frames: Frame[] = [];
  closed = false;
  /** Set to false to starve the other side of window. */
  giveWindow = true;
  /** Set to false to leave SETTINGS unacknowledged. */
  answerSettings = true;
  /** Set to false to leave PINGs unanswered. */
  answerPings = true;
  /** Set to false to count the payloads of DATA and not keep them, where there are many. */
  keepData = true;
  readonly #counted = new Map<number, number>();
  #buffer: Buffer = Buffer.alloc(0);
  #preface: boolean;
  #pings = 0;
  #mute = false;
  readonly #lookout = new Lookout();

  /** `settings`: identifiers and values of RFC 9113 section 6.5.2; `none` never says a word. */
  constructor(socket: Socket, role: 'client' | 'server', settings: readonly Setting[] | 'none' = []) {
    this.socket = socket;
    this.#preface = role === 'client';
    if (role === 'client') socket.write(PREFACE);
    if (settings !== 'none') this.settings(settings);
    else this.#mute = true;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => {
      this.closed = true;
      this.#lookout.look();
    });
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** HEADERS of a request or an answer. */
  headers(stream: number, fields: readonly (readonly [string, string])[], flags: number = Flag.END_HEADERS): void {
    const block = headerBlock(fields);
    const first = block.length <= MAX_FRAME ? Flag.END_HEADERS : 0;
    const frames = [
      frame(FrameType.HEADERS, (flags & ~Flag.END_HEADERS) | first, stream, block.subarray(0, MAX_FRAME)),
    ];
    for (let at = MAX_FRAME; at < block.length; at += MAX_FRAME) {
      const last = at + MAX_FRAME >= block.length ? Flag.END_HEADERS : 0;
      frames.push(frame(FrameType.CONTINUATION, last, stream, block.subarray(at, at + MAX_FRAME)));
    }
    this.send(...frames);
  }

  data(stream: number, payload: Buffer | string, flags = 0): void {
    this.send(frame(FrameType.DATA, flags, stream, payload));
  }

  reset(stream: number, code: number): void {
    this.send(frame(FrameType.RST_STREAM, 0, stream, uint32(code)));
  }

  settings(settings: readonly Setting[]): void {
    const entry = ([id, value]: Setting): Buffer => Buffer.concat([Buffer.from([id >> 8, id & 0xff]), uint32(value)]);
    this.send(frame(FrameType.SETTINGS, 0, 0, Buffer.concat(settings.map(entry))));
  }

  /** Gives the other side so much more window, on a stream and on the connection. */
  window(stream: number, bytes: number): void {
    this.send(
      frame(FrameType.WINDOW_UPDATE, 0, stream, uint32(bytes)),
      frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(bytes)),
    );
  }

  /** Resolves when the other side has dealt with everything sent so far: its ACK of a PING. */
  async settled(): Promise<void> {
    this.#pings += 1;
    const mark = Buffer.alloc(8);
    mark.writeUInt32BE(this.#pings);
    this.send(frame(FrameType.PING, 0, 0, mark));
    await this.next(
      ({ type, flags, payload }) => type === FrameType.PING && (flags & Flag.ACK) !== 0 && payload.equals(mark),
    );
  }

  goaway(lastStream: number, code: number): void {
    this.send(frame(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32(lastStream), uint32(code)])));
  }

  /** The first frame that fits, now or later; undefined when the connection closes without one. */
  async next(fits: (frame: Frame) => boolean): Promise<Frame | undefined> {
    let found: Frame | undefined;
    await this.#lookout.until(() => {
      found = this.frames.find(fits);
      return found !== undefined || this.closed;
    });
    return found;
  }

  /** The frames of one stream so far, as text. */
  of(stream: number): string[] {
    return this.frames
      .filter((one) => one.stream === stream && one.type !== FrameType.WINDOW_UPDATE)
      .map((one) => describe(one));
  }

  /** Resolves when this stream was ended or reset by the other side, or the connection is gone. */
  async finished(stream: number): Promise<string[]> {
    await this.next(
      ({ stream: id, type, flags }) =>
        id === stream &&
        (type === FrameType.RST_STREAM ||
          ((type === FrameType.DATA || type === FrameType.HEADERS) && (flags & Flag.END_STREAM) !== 0)),
    );
    return this.of(stream);
  }

  /** How many bytes of body came on a stream so far. */
  bytes(stream: number): number {
    return this.#counted.get(stream) ?? 0;
  }

  /** The body of a stream so far. */
  body(stream: number): Buffer {
    return Buffer.concat(
      this.frames.filter((f) => f.stream === stream && f.type === FrameType.DATA).map((f) => f.payload),
    );
  }

  #take(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    if (!this.#preface) {
      if (this.#buffer.length < PREFACE.length) return;
      this.#buffer = this.#buffer.subarray(PREFACE.length);
      this.#preface = true;
    }
    for (;;) {
      if (this.#buffer.length < 9) break;
      const length = this.#buffer.readUIntBE(0, 3);
      if (this.#buffer.length < 9 + length) break;
      const type = this.#buffer[3]!;
      const one: Frame = {
        type,
        flags: this.#buffer[4]!,
        stream: this.#buffer.readUInt32BE(5) & 0x7fffffff,
        payload: Buffer.from(this.keepData || type !== FrameType.DATA ? this.#buffer.subarray(9, 9 + length) : ''),
      };
      this.#buffer = this.#buffer.subarray(9 + length);
      if (type === FrameType.DATA) this.#counted.set(one.stream, this.bytes(one.stream) + length);
      this.frames.push(one);
      this.#react(one, length);
    }
    this.#lookout.look();
  }

  #react({ type, flags, stream, payload }: Frame, length: number): void {
    if (this.#mute) return;
    if (type === FrameType.SETTINGS && !(flags & Flag.ACK) && this.answerSettings)
      this.send(frame(FrameType.SETTINGS, Flag.ACK, 0));
    if (type === FrameType.PING && !(flags & Flag.ACK) && this.answerPings) {
      this.send(frame(FrameType.PING, Flag.ACK, 0, payload));
    }
    if (type === FrameType.DATA && length > 0 && this.giveWindow) {
      this.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(length)));
      if (!(flags & Flag.END_STREAM)) this.send(frame(FrameType.WINDOW_UPDATE, 0, stream, uint32(length)));
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

/**
 * Connects to a listener by hand: TLS with ALPN h2 where a CA is given, else cleartext with prior knowledge. `from`: the
 * loopback address to come from.
 */
export async function connectFrames(
  port: number,
  options: { ca?: string; settings?: readonly Setting[]; from?: string } = {},
): Promise<FramePeer & Disposable> {
  const peer = new FramePeer(await connectSocket(port, 'h2', options), 'client', options.settings);
  return Object.assign(peer, { [Symbol.dispose]: () => peer.close() });
}

/** An upstream by hand, and its connections. */
export type FrameServer = PeerServer<FramePeer>;

/** An upstream by hand: `onStream` is called for every HEADERS that opens a stream. */
export async function startFrameServer(
  onStream: (peer: FramePeer, stream: number, frame: Frame) => void,
  onPeer: (peer: FramePeer) => void = () => {},
  options: { settings?: readonly Setting[] | 'none'; tls?: tls.TlsOptions } = {},
): Promise<FrameServer> {
  const peers: FramePeer[] = [];
  const lookout = new Lookout();
  const { settings = [] } = options;
  const accept = (socket: Socket): void => {
    const peer = new FramePeer(socket, 'server', settings);
    peers.push(peer);
    onPeer(peer);
    const opened = new Set<number>();
    const look = (): void => {
      for (const one of [...peer.frames]) {
        if (one.type !== FrameType.HEADERS || opened.has(one.stream)) continue;
        opened.add(one.stream);
        onStream(peer, one.stream, one);
      }
    };
    socket.on('data', look);
    lookout.look();
  };
  const server =
    options.tls === undefined ? net.createServer({ noDelay: true }, accept) : tls.createServer(options.tls, accept);
  server.on('tlsClientError', () => {});
  return servePeers(server, peers, lookout);
}
