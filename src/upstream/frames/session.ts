/** One HTTP/2 session to an endpoint, on frames of our own: RFC 9113 without `node:http2`. */

import type { Socket } from 'node:net';
import { GatewayError } from '../../core/errors.ts';
import { type Fields, ResetCode } from '../../core/raw.ts';
import { FrameConnection } from '../../http2/connection.ts';
import { Once, unsayable } from '../../http2/field-rules.ts';
import type { Allowance, Allowances } from '../../http2/floods.ts';
import { FrameReader } from '../../http2/frame-reader.ts';
import { HpackDecoder } from '../../http2/hpack/decoder.ts';
import { HpackEncoder } from '../../http2/hpack/encoder.ts';
import { Incoming, type Messages, type Pulse } from '../../http2/incoming.ts';
import {
  ConnectionError,
  DEFAULT_WINDOW_BYTES,
  ErrorCodes,
  FrameType,
  MAX_31,
  SettingId,
} from '../../http2/protocol.ts';
import { nextSession, type OpenRequest, type PoolSettings } from '../pool.ts';
import { greet } from './greeting.ts';
import { FrameUpstreamStream } from './stream.ts';

/** What a server says last may still come for so long, in milliseconds. */
const PARTING_MS = 1000;
const TABLE_BYTES = 4096;
/** More fields of an answer than these are not read. */
const MOST_FIELDS = 1024;
/** Header blocks may be so much larger, compressed, than their fields may be, in bytes: then their stream fails alone. */
const SPARE_BYTES = 65_536;

const PATH = /^[\x21-\x7e\x80-\xff]+$/;

// Endpoints are not the ones whom limits are for: what a client makes one send would end the sessions of others.
const UNLIMITED: Allowance = { take() {} };
const NO_LIMITS: Allowances = { control: UNLIMITED, ignored: UNLIMITED, windows: UNLIMITED, empty: UNLIMITED };
// PING is what tells whether an endpoint lives.
const NO_PULSE: Pulse = { blockBegun() {}, blockEnded() {}, acknowledged() {}, quiet() {} };

/** What a pool is told of its session. */
export interface SessionObserver {
  /** Requests may be sent; called once. */
  ready(): void;
  /** There is, or may be, room for more streams. */
  room(): void;
  /** A stream is over. */
  streamClosed(): void;
  /** It is over; `cause` where there is one. */
  closed(reason: string, cause: Error | undefined): void;
}

/** `greeting` until the SETTINGS of the endpoint are here; `going`: no new streams; `gone`: nothing more. */
type State = 'greeting' | 'open' | 'going' | 'gone';

/** One session. */
export class FrameUpstreamSession
  extends FrameConnection<FrameUpstreamStream>
  implements Messages<FrameUpstreamStream>
{
  readonly id = nextSession();
  sendWindow = DEFAULT_WINDOW_BYTES;
  readonly #settings: PoolSettings;
  readonly #observer: SessionObserver;
  readonly #decoder: HpackDecoder;
  readonly #reader: FrameReader;
  #state: State = 'greeting';
  #maxStreams: number;
  /** Requests above this one were not processed: a GOAWAY has said so. */
  #lastStreamId = Number.POSITIVE_INFINITY;
  /** Requests up to this one were handed to the socket. */
  #flushed = 0;
  #pong: (() => void) | undefined;
  #reason = 'closed';
  #cause: Error | undefined;
  #parting: NodeJS.Timeout | undefined;

  /** `socket` is connected, and agreed on h2 where it has TLS. */
  constructor(socket: Socket, settings: PoolSettings, observer: SessionObserver) {
    const encoder = new HpackEncoder();
    super(socket, { encoder, windowBytes: settings.sessionWindowBytes, strict: false, onFrame() {} });
    this.#settings = settings;
    this.#observer = observer;
    this.#maxStreams = settings.maxStreamsPerSession;
    const maxHeaderBytes = settings.maxAnswerHeaderBytes;
    this.#decoder = new HpackDecoder({ maxTableBytes: TABLE_BYTES, maxHeaderBytes, maxFields: MOST_FIELDS });
    const { sender, streams, window } = this;
    const incoming = new Incoming<FrameUpstreamStream>({
      owner: this,
      sender,
      streams,
      messages: this,
      floods: NO_LIMITS,
      pulse: NO_PULSE,
      window,
      maxBlockBytes: maxHeaderBytes + SPARE_BYTES,
      setting: (id, value) => {
        if (id === SettingId.HEADER_TABLE_SIZE) encoder.setMaxTableBytes(value);
        if (id === SettingId.MAX_CONCURRENT_STREAMS) this.#maxStreams = Math.min(settings.maxStreamsPerSession, value);
      },
      settled: () => this.#settled(),
      pong: () => {
        const answered = this.#pong;
        this.#pong = undefined;
        answered?.();
      },
      goaway: (last, code) => this.#goaway(last, code),
    });
    this.#reader = new FrameReader(false, (type, flags, stream, bytes, start, end) =>
      incoming.frame(type, flags, stream, bytes, start, end),
    );
    greet(sender.outbox, settings);
    socket.on('data', (chunk: Buffer) => this.attempt(() => this.#reader.take(chunk)));
    socket.on('drain', () => this.drained());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#because(error.code ?? error.message, error);
      // An alert of TLS 1.3 comes after the handshake, and Node leaves the socket open.
      socket.destroy();
    });
    socket.once('end', () => socket.destroy());
    socket.once('close', () => this.#closed());
    // What is under way is held by who asked for it.
    socket.unref();
    socket.resume();
  }

  /** How many are open. */
  get open(): number {
    return this.streams.size;
  }

  /** A stream may be opened. */
  get hasRoom(): boolean {
    return this.#state === 'open' && this.streams.size < this.#maxStreams && this.streams.last < MAX_31 - 1;
  }

  /** Opens a stream, where there is room. Throws BAD_HEADER or BAD_PATH where the request cannot be said. */
  request(request: OpenRequest): FrameUpstreamStream {
    const { method, scheme, authority, path, fields, ended } = request;
    if (!PATH.test(path)) throw new GatewayError('BAD_PATH', { detail: 'characters that HTTP/2 does not have' });
    const wrong = unsayable(fields, Once.REQUEST);
    if (wrong !== undefined) throw new GatewayError('BAD_HEADER', { detail: wrong });
    const { streams, sender } = this;
    const id = streams.last === 0 ? 1 : streams.last + 2;
    const windows = { sendWindow: this.sendWindow, receiveWindow: this.#settings.streamWindowBytes };
    const stream = new FrameUpstreamStream(id, this, this.id, request, windows);
    streams.last = id;
    streams.add(stream);
    const head: Fields = [':method', method, ':scheme', scheme, ':authority', authority, ':path', path, ...fields];
    sender.head(id, undefined, head, ended);
    if (ended) stream.askedWhole();
    return stream;
  }

  /** Asks for a sign of life; one at a time. */
  ping(answered: () => void): void {
    if (this.#state === 'gone') return;
    this.#pong = answered;
    this.sender.outbox.control(FrameType.PING, 0, 0, Buffer.from('gatehous', 'latin1'));
  }

  /** No new streams; it closes with its last one. `reason`: why, where it is not known already. */
  retire(reason?: string): void {
    if (reason !== undefined) this.#because(reason);
    if (this.#state === 'gone' || this.#state === 'going') return;
    this.#state = 'going';
    this.schedule();
  }

  destroy(reason?: string, cause?: Error): void {
    if (reason !== undefined) this.#because(reason, cause);
    this.socket.destroy();
  }

  take(id: number, block: Buffer, ended: boolean): void {
    const { fields, exceeded } = this.#decoder.decode(block);
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.streams.idle(id)) throw new ConnectionError('PROTOCOL_ERROR', 'an answer to what nobody asked');
    } else if (stream.remoteDone) this.broken(stream, ErrorCodes.STREAM_CLOSED);
    else if (exceeded === undefined) stream.takeFields(fields, ended);
    else {
      const { maxAnswerHeaderBytes } = this.#settings;
      const detail = `the fields of an answer have more than ${maxAnswerHeaderBytes} bytes, or are more than ${MOST_FIELDS}`;
      this.broken(stream, ErrorCodes.CANCEL, new GatewayError('UPSTREAM_PROTOCOL', { detail }));
    }
  }

  reset(stream: FrameUpstreamStream, code: number): void {
    const unprocessed = code === ErrorCodes.REFUSED_STREAM || stream.id > this.#lastStreamId;
    stream.takeReset({ code, by: 'peer', unprocessed });
  }

  acknowledged(): void {
    this.#decoder.acknowledged();
  }

  spoken(): void {}

  broken(stream: FrameUpstreamStream, code: number, cause?: Error): void {
    if (this.#state === 'gone') return;
    this.sender.reset(stream.id, code);
    stream.takeReset({ code, by: 'peer', unprocessed: false, ...(cause !== undefined && { cause }) });
  }

  protected get gone(): boolean {
    return this.#state === 'gone';
  }

  protected get going(): boolean {
    return this.#state === 'going';
  }

  protected override aboutToFlush(): void {
    if (!this.socket.destroyed) this.#flushed = this.streams.last;
  }

  protected depart(): void {
    this.#leave(ErrorCodes.NO_ERROR);
  }

  protected fail(error: ConnectionError): void {
    const { code, message } = error;
    const where = this.#state === 'greeting' ? ' (does it speak HTTP/2?)' : '';
    this.#because(message, new GatewayError('UPSTREAM_PROTOCOL', { detail: `${message}${where}`, cause: error }));
    this.#leave(ErrorCodes[code]);
  }

  protected giveUp(): void {}

  protected report(defect: unknown): void {
    // Whoever was told something has failed: what is under way here may be wrong, and is not gone on with.
    const detail = defect instanceof Error ? defect.message : String(defect);
    this.#because(`defect: ${detail}`, new GatewayError('DEFECT', { detail, cause: defect }));
    this.#leave(ErrorCodes.INTERNAL_ERROR);
  }

  protected closedStreams(count: number): void {
    for (let i = 0; i < count; i += 1) this.#observer.streamClosed();
    if (this.hasRoom) this.#observer.room();
  }

  #settled(): void {
    if (this.#state === 'greeting') {
      this.#state = 'open';
      this.#observer.ready();
    } else if (this.hasRoom) this.#observer.room();
  }

  #goaway(last: number, code: number): void {
    this.#because(`GOAWAY ${code}`);
    this.#lastStreamId = Math.min(last, this.#lastStreamId);
    this.retire();
    for (const stream of this.streams.all()) {
      if (stream.id > last) stream.takeReset({ code: ResetCode.REFUSED_STREAM, by: 'peer', unprocessed: true });
    }
    // Nothing good comes any more, and it may never close its side.
    if (code !== ErrorCodes.NO_ERROR) this.#leave(undefined);
  }

  /** The first reason is the one. */
  #because(reason: string, cause?: Error): void {
    if (this.#state === 'gone') return;
    if (this.#reason === 'closed') this.#reason = reason;
    this.#cause ??= cause;
  }

  /** Says the last word where there is one, and closes; streams that are open are cut. */
  #leave(code: number | undefined): void {
    if (this.#state === 'gone') return;
    if (code !== undefined) this.sender.outbox.goaway(0, code);
    if (!this.socket.writableEnded) this.sender.outbox.flush();
    // Whoever speaks another protocol has nothing more to say that would be understood.
    const hasty = this.#state === 'greeting';
    this.#state = 'gone';
    this.#reader.stop();
    this.#cutAll();
    this.#parting = setTimeout(() => this.socket.destroy(), PARTING_MS).unref();
    if (hasty) this.socket.destroy();
    else this.socket.end();
    this.socket.resume();
    this.schedule();
  }

  #cutAll(): void {
    for (const stream of this.streams.all()) {
      const unprocessed = stream.id > Math.min(this.#lastStreamId, this.#flushed);
      const cause = this.#cause === undefined ? {} : { cause: this.#cause };
      stream.takeReset({ code: ResetCode.CANCEL, by: 'connection', unprocessed, ...cause });
    }
  }

  #closed(): void {
    clearTimeout(this.#parting);
    this.#reader.stop();
    this.#state = 'gone';
    this.#cutAll();
    this.tellCloses();
    this.#observer.closed(this.#reason, this.#cause);
  }
}
