/** A client's side of HTTP/2 that does no more than a load needs: frames in, frames out. RFC 9113. */

import type { Socket } from 'node:net';
import type { Fields } from '../../src/core/raw.ts';
import { HpackDecoder } from '../../src/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../src/http2/hpack/encoder.ts';
import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  ErrorCodes,
  Flag,
  FrameType,
  HEAD_BYTES,
  PREFACE,
  SettingId,
} from '../../src/http2/protocol.ts';
import { settingsPayload } from '../../src/http2/settings.ts';
import type { Call } from './call.ts';
import type { Connection, Listener } from './connection.ts';
import { FrameCutter } from './frame-cutter.ts';
import { FrameWriter } from './frame-writer.ts';
import type { Target } from './plan.ts';

/** The windows of Chromium, in bytes. */
const STREAM_WINDOW = 6 << 20;
const CONNECTION_WINDOW = 15 << 20;
const NAMES = new Map<number, string>(Object.entries(ErrorCodes).map(([name, code]) => [code, name]));

interface Stream {
  readonly call: Call;
  /** What of the request's body is still to be sent. */
  rest: Uint8Array | undefined;
  /** Bytes that may be sent. */
  window: number;
  /** Bytes that came since the last WINDOW_UPDATE. */
  received: number;
}

/** One HTTP/2 connection, open already. */
export class H2Connection implements Connection {
  over = false;
  readonly #socket: Socket;
  readonly #scheme: string;
  readonly #authority: string;
  readonly #wanted: number;
  readonly #listener: Listener;
  readonly #out: FrameWriter;
  readonly #encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder({ maxTableBytes: 4096, maxHeaderBytes: 1 << 20, maxFields: 1000 });
  /** In the order they were opened. */
  readonly #streams = new Map<number, Stream>();
  #nextId = 1;
  #peerStreams = 100;
  #peerWindow = DEFAULT_WINDOW_BYTES;
  #window = DEFAULT_WINDOW_BYTES;
  #received = 0;
  #block: { id: number; ended: boolean; pieces: Buffer[] } | undefined;

  constructor(socket: Socket, target: Target, streams: number, listener: Listener) {
    this.#socket = socket;
    this.#scheme = target.tls ? 'https' : 'http';
    this.#authority = target.authority;
    this.#wanted = streams;
    this.#listener = listener;
    const cutter = new FrameCutter((...frame) => this.#frame(...frame));
    socket.on('data', (chunk: Buffer) => {
      try {
        cutter.take(chunk);
      } catch (error) {
        this.#end(`protocol: ${(error as Error).message}`);
      }
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(`connection: ${error.code ?? error.message}`));
    socket.on('close', () => this.#end('connection: closed'));
    const settings: [number, number][] = [
      [SettingId.ENABLE_PUSH, 0],
      [SettingId.INITIAL_WINDOW_SIZE, STREAM_WINDOW],
    ];
    this.#out = new FrameWriter(socket);
    this.#out.raw(PREFACE);
    this.#out.frame(FrameType.SETTINGS, 0, 0, settingsPayload(settings));
    this.#out.grant(0, CONNECTION_WINDOW - DEFAULT_WINDOW_BYTES);
  }

  get inFlight(): number {
    return this.#streams.size;
  }

  get room(): number {
    return this.over ? 0 : Math.min(this.#wanted, this.#peerStreams) - this.#streams.size;
  }

  send(call: Call): void {
    const id = this.#nextId;
    this.#nextId += 2;
    const { method, fields, body } = call.request;
    const list: Fields = [':method', method, ':scheme', this.#scheme, ':authority', this.#authority];
    list.push(':path', call.path, ...fields);
    const block = this.#encoder.encode(undefined, list, HEAD_BYTES);
    if (block.length - HEAD_BYTES > DEFAULT_FRAME_BYTES)
      throw new Error(`the head of ${call.request.name} is too long`);
    const ends = body === undefined || body.length === 0;
    call.sentAt = performance.now();
    this.#out.headed(FrameType.HEADERS, Flag.END_HEADERS | (ends ? Flag.END_STREAM : 0), id, block);
    const stream = { call, rest: ends ? undefined : body, window: this.#peerWindow, received: 0 };
    this.#streams.set(id, stream);
    if (!ends) this.#upload(id, stream);
  }

  expire(before: number): void {
    for (const [id, { call }] of this.#streams) {
      // Those that come after were sent later.
      if (call.sentAt >= before) return;
      this.#out.reset(id, ErrorCodes.CANCEL);
      this.#fail(id, 'timeout');
    }
  }

  close(): void {
    this.over = true;
    this.#socket.end();
    this.#socket.destroySoon();
  }

  #frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (this.#block !== undefined && type !== FrameType.CONTINUATION) throw new Error('a header block was not ended');
    switch (type) {
      case FrameType.DATA:
        this.#data(id, flags, bytes, start, end);
        return;
      case FrameType.HEADERS: {
        const [from, to] = unpadded(flags, bytes, start, end);
        const piece = bytes.subarray((flags & Flag.PRIORITY) === 0 ? from : from + 5, to);
        const ended = (flags & Flag.END_STREAM) !== 0;
        if ((flags & Flag.END_HEADERS) !== 0) this.#head(id, ended, piece);
        else this.#block = { id, ended, pieces: [piece] };
        return;
      }
      case FrameType.CONTINUATION: {
        const block = this.#block;
        if (block === undefined || block.id !== id) throw new Error('CONTINUATION of nothing');
        block.pieces.push(bytes.subarray(start, end));
        if ((flags & Flag.END_HEADERS) === 0) return;
        this.#block = undefined;
        this.#head(id, block.ended, Buffer.concat(block.pieces));
        return;
      }
      case FrameType.RST_STREAM: {
        const code = bytes.readUInt32BE(start);
        this.#fail(id, `reset: ${NAMES.get(code) ?? code}`, code === ErrorCodes.REFUSED_STREAM);
        return;
      }
      case FrameType.SETTINGS:
        this.#settings(flags, bytes, start, end);
        return;
      case FrameType.PING:
        if ((flags & Flag.ACK) === 0) this.#out.frame(FrameType.PING, Flag.ACK, 0, bytes.subarray(start, end));
        return;
      case FrameType.GOAWAY:
        this.#goAway(bytes.readUInt32BE(start) & 0x7fffffff, bytes.readUInt32BE(start + 4));
        return;
      case FrameType.WINDOW_UPDATE:
        this.#granted(id, bytes.readUInt32BE(start) & 0x7fffffff);
    }
  }

  #data(id: number, flags: number, bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    this.#received += size;
    if (this.#received > CONNECTION_WINDOW >> 1) {
      this.#out.grant(0, this.#received);
      this.#received = 0;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    const [from, to] = unpadded(flags, bytes, start, end);
    stream.call.data(bytes.subarray(from, to));
    if ((flags & Flag.END_STREAM) !== 0) {
      this.#answered(id, stream);
      return;
    }
    stream.received += size;
    if (stream.received <= STREAM_WINDOW >> 1) return;
    this.#out.grant(id, stream.received);
    stream.received = 0;
  }

  #head(id: number, ended: boolean, block: Buffer): void {
    // Also of a stream that was given up: the table must stay right.
    const { fields } = this.#decoder.decode(block);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.call.head(fields);
    if (ended) this.#answered(id, stream);
  }

  #answered(id: number, { call, rest }: Stream): void {
    if (rest !== undefined) this.#out.reset(id, ErrorCodes.CANCEL);
    this.#streams.delete(id);
    this.#listener.answered(call);
    if (this.over && this.#streams.size === 0) this.close();
  }

  #settings(flags: number, bytes: Buffer, start: number, end: number): void {
    if ((flags & Flag.ACK) !== 0) return;
    for (let at = start; at + 6 <= end; at += 6) {
      const value = bytes.readUInt32BE(at + 2);
      const setting = bytes.readUInt16BE(at);
      if (setting === SettingId.MAX_CONCURRENT_STREAMS) this.#peerStreams = value;
      else if (setting === SettingId.HEADER_TABLE_SIZE) this.#encoder.setMaxTableBytes(value);
      else if (setting === SettingId.INITIAL_WINDOW_SIZE) {
        for (const stream of this.#streams.values()) stream.window += value - this.#peerWindow;
        this.#peerWindow = value;
      }
    }
    this.#out.frame(FrameType.SETTINGS, Flag.ACK, 0, Buffer.alloc(0));
    this.#uploadAll();
    this.#listener.changed();
  }

  #goAway(last: number, code: number): void {
    this.over = true;
    for (const id of [...this.#streams.keys()])
      if (id > last) this.#fail(id, `goaway: ${NAMES.get(code) ?? code}`, true);
    if (this.#streams.size === 0) this.close();
    this.#listener.changed();
  }

  #granted(id: number, bytes: number): void {
    if (id === 0) {
      this.#window += bytes;
      this.#uploadAll();
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.window += bytes;
    this.#upload(id, stream);
  }

  #uploadAll(): void {
    for (const [id, stream] of this.#streams) if (stream.rest !== undefined) this.#upload(id, stream);
  }

  /** Sends as much of a body as the windows allow. */
  #upload(id: number, stream: Stream): void {
    while (stream.rest !== undefined) {
      const size = Math.min(stream.rest.length, stream.window, this.#window, DEFAULT_FRAME_BYTES);
      if (size <= 0) return;
      const ends = size === stream.rest.length;
      this.#out.frame(FrameType.DATA, ends ? Flag.END_STREAM : 0, id, stream.rest.subarray(0, size));
      stream.rest = ends ? undefined : stream.rest.subarray(size);
      stream.window -= size;
      this.#window -= size;
    }
  }

  #fail(id: number, why: string, unprocessed = false): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    this.#listener.failed(stream.call, why, unprocessed);
  }

  #end(why: string): void {
    const first = !this.over || this.#streams.size > 0;
    this.over = true;
    this.#socket.destroy();
    for (const id of [...this.#streams.keys()]) this.#fail(id, why);
    if (first) this.#listener.changed();
  }
}

/** Where the payload is without its padding, RFC 9113 section 6.1. */
function unpadded(flags: number, bytes: Buffer, start: number, end: number): [from: number, to: number] {
  return (flags & Flag.PADDED) === 0 ? [start, end] : [start + 1, end - bytes[start]!];
}
