/** One HTTP/2 connection of a client, on a socket that somebody else accepted. */

import type { Duplex } from 'node:stream';
import type { Connection } from '../../../core/raw.ts';
import { FrameConnection } from '../../../http2/connection.ts';
import { Floods } from '../../../http2/floods.ts';
import { FrameReader } from '../../../http2/frame-reader.ts';
import { HpackEncoder } from '../../../http2/hpack/encoder.ts';
import { Incoming } from '../../../http2/incoming.ts';
import { type ConnectionError, ErrorCodes, FrameType, MAX_31, SettingId } from '../../../http2/protocol.ts';
import type { ConnectionBudget } from '../../budgets.ts';
import type { SessionEnd } from '../../session-end.ts';
import type { EngineOptions } from '../engine.ts';
import { greet } from './greeting.ts';
import { Lifetime } from './lifetime.ts';
import { mostHeaderBytes, Requests } from './requests.ts';
import type { FrameStream } from './stream.ts';
import { UploadStops } from './upload-stops.ts';

/** How long we look for a good moment to say that we go, in milliseconds. */
const ASKING_MS = 500;
/** How long a peer may take to answer a PING, or to close its side, when the connection goes; in milliseconds. */
const PARTING_MS = 1000;
/** How long it may take what is still on its way to it, when nothing is wrong; in milliseconds. */
const SLOW_PARTING_MS = 60_000;
/** What a peer may still send when it was told to go, in bytes: it is read so that our last word is not lost. */
const PARTING_BYTES = 1024 * 1024;

/** What an engine wants to know of its connections. */
export interface SessionOptions extends EngineOptions {
  /** Streams were opened or closed. */
  streams(change: number): void;
  closed(session: FrameSession): void;
}

/**
 * Whether requests are accepted, and how far the parting is: `asking` until the first GOAWAY can be said; `leaving` after
 * it, which gives requests that are under way the time to arrive; `going` after the second, which names the last; `gone`
 * when nothing more is said.
 */
type State = 'open' | 'asking' | 'leaving' | 'going' | 'gone';

/** One connection. */
export class FrameSession extends FrameConnection<FrameStream> {
  readonly #connection: Connection;
  readonly #options: SessionOptions;
  readonly #reader: FrameReader;
  readonly #requests: Requests;
  readonly #lifetime: Lifetime;
  readonly #uploads = new UploadStops();
  #state: State = 'open';
  #end: SessionEnd | undefined;
  #parting: NodeJS.Timeout | undefined;
  #partingBytes = 0;
  /** PINGs of ours. */
  #unanswered = 0;
  /** Frames that were said up to the last of them. */
  #saidBefore = 0;

  constructor(socket: Duplex, connection: Connection, budget: ConnectionBudget | undefined, options: SessionOptions) {
    const { limits } = options;
    const encoder = new HpackEncoder();
    const floods = new Floods(limits.maxConcurrentStreams);
    const windowBytes = limits.connectionWindowBytes;
    super(socket, { encoder, windowBytes, strict: true, onFrame: () => floods.sent(1) });
    this.#connection = connection;
    this.#options = options;
    const { sender, streams, window } = this;
    const lifetime = new Lifetime({
      headerTimeoutMs: limits.headerTimeoutMs,
      idleTimeoutMs: limits.idleTimeoutMs,
      ended: (end) => this.#retire(end),
    });
    this.#lifetime = lifetime;
    this.#requests = new Requests({
      connection,
      owner: this,
      sender,
      streams,
      floods,
      limits,
      budget,
      lastAccepted: () => (this.#state === 'going' || this.#state === 'gone' ? 0 : MAX_31),
      opened: () => {
        options.streams(1);
        lifetime.busy();
      },
      overspent: (end) => this.#leave(ErrorCodes.ENHANCE_YOUR_CALM, end),
      onRequest: (request, reply) => options.onRequest(request, reply),
      onDefect: (of, defect) => options.onDefect(of, defect),
    });
    const incoming = new Incoming<FrameStream>({
      owner: this,
      sender,
      streams,
      messages: this.#requests,
      floods,
      pulse: lifetime,
      window,
      maxBlockBytes: mostHeaderBytes(limits),
      setting: (id, value) => {
        if (id === SettingId.HEADER_TABLE_SIZE) encoder.setMaxTableBytes(value);
      },
      pong: () => {
        this.#unanswered = Math.max(0, this.#unanswered - 1);
        if (this.#unanswered > 0) return;
        if (this.#state === 'asking') this.#asked();
        else if (this.#state === 'leaving') this.#last();
      },
      goaway: (_last, code) => {
        if (code !== 0) this.#end ??= { reason: 'the client sent GOAWAY', code: String(code) };
        if (this.#state === 'open' || this.#state === 'asking') this.#last();
      },
    });
    this.#reader = new FrameReader(true, (type, flags, stream, bytes, start, end) =>
      incoming.frame(type, flags, stream, bytes, start, end),
    );
    greet(sender.outbox, limits);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('drain', () => this.drained());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#state === 'gone') return;
      this.#end ??= { reason: error.message, ...(error.code !== undefined && { code: error.code }) };
    });
    // Half a connection is none: RFC 9113 knows no such state.
    socket.once('end', () => this.#leave(undefined, this.#end));
    socket.once('close', () => this.#closed());
    socket.resume();
  }

  /** GOAWAY: requests that are under way are served, and the connection closes when the last is done. */
  drain(): void {
    if (this.#state !== 'open') return;
    this.#state = 'asking';
    this.#parting = setTimeout(() => this.#first(), ASKING_MS).unref();
    this.#ask();
  }

  destroy(): void {
    this.socket.destroy();
  }

  spoken(stream: FrameStream): void {
    this.#uploads.add(stream);
    this.schedule();
  }

  /** It made us reset the stream, which costs what a reset of its own does. */
  broken(stream: FrameStream, code: number): void {
    const { id } = stream;
    this.streams.sever(id);
    this.#requests.hasty(stream);
    if (this.#state === 'gone') return;
    this.sender.reset(id, code);
    stream.takeReset({ code, by: 'peer', unprocessed: false });
  }

  protected get gone(): boolean {
    return this.#state === 'gone';
  }

  protected get going(): boolean {
    return this.#state === 'going';
  }

  protected depart(): void {
    this.#leave(undefined, this.#end);
  }

  protected override aboutToFlush(): void {
    if (this.#uploads.stop()) this.schedule();
  }

  protected fail({ code, message: reason, limit }: ConnectionError): void {
    this.#requests.broken();
    this.#leave(ErrorCodes[code], { reason, code, ...(limit !== undefined && { limit }) });
  }

  protected giveUp(): void {
    this.#leave(ErrorCodes.INTERNAL_ERROR, this.#end);
  }

  protected report(defect: unknown): void {
    this.#options.onDefect(this.#connection, defect);
  }

  protected closedStreams(count: number): void {
    this.#options.streams(-count);
    if (this.streams.size === 0 && this.#state !== 'gone') this.#lifetime.quiet();
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'gone') {
      this.#partingBytes += chunk.length;
      if (this.#partingBytes > PARTING_BYTES) this.socket.destroy();
      return;
    }
    this.attempt(() => this.#reader.take(chunk));
  }

  #ask(): void {
    this.#ping();
    this.#saidBefore = this.sender.outbox.said;
  }

  #ping(): void {
    this.sender.outbox.control(FrameType.PING, 0, 0, Buffer.from('draining', 'latin1'));
    this.#unanswered += 1;
  }

  /**
   * The client has read all that was said before the PING. Where nothing was said since, GOAWAY will not come in the packet
   * of an answer: clients that send their next request when they read the answer, before they read on, would have it
   * refused by their own library (connect-node on Node 26.10, whose nghttp2 reads whole packets).
   */
  #asked(): void {
    if (this.sender.outbox.said === this.#saidBefore) this.#first();
    else this.#ask();
  }

  /** The first GOAWAY. */
  #first(): void {
    if (this.#state !== 'asking') return;
    this.#state = 'leaving';
    this.sender.outbox.goaway(MAX_31, ErrorCodes.NO_ERROR);
    // What was sent before the answer to this came has arrived when the answer has: section 6.8.
    this.#ping();
    clearTimeout(this.#parting);
    this.#parting = setTimeout(() => this.#last(), PARTING_MS).unref();
  }

  /** The last GOAWAY; the connection closes when nothing is open. */
  #last(): void {
    if (this.#state === 'going' || this.#state === 'gone') return;
    this.#state = 'going';
    clearTimeout(this.#parting);
    this.sender.outbox.goaway(this.streams.lastTaken, ErrorCodes.NO_ERROR);
    this.schedule();
  }

  /** The connection was quiet for too long. */
  #retire(end: SessionEnd): void {
    if (this.#state === 'gone') return;
    this.#end ??= end;
    if (end.code === undefined && this.streams.size === 0) this.#last();
    else this.#leave(end.code === undefined ? ErrorCodes.NO_ERROR : ErrorCodes.SETTINGS_TIMEOUT, this.#end);
  }

  /** Says the last word, and closes; `code` undefined where it was said before. Streams that are open are cut. */
  #leave(code: number | undefined, end: SessionEnd | undefined): void {
    if (this.#state === 'gone') return;
    this.#end = end;
    if (code !== undefined) this.sender.outbox.goaway(this.streams.lastTaken, code);
    if (!this.socket.writableEnded) this.sender.outbox.flush();
    this.#state = 'gone';
    this.#reader.stop();
    this.#lifetime.stop();
    this.#cutAll(code === undefined || code === ErrorCodes.NO_ERROR ? ErrorCodes.CANCEL : code);
    // A peer that does not close its side cannot hold the socket; one that is slow may still take what it was answered.
    this.#destroyAfter(code === undefined ? SLOW_PARTING_MS : PARTING_MS);
    this.socket.end(() => this.#destroyAfter(PARTING_MS));
    this.socket.resume();
  }

  #destroyAfter(ms: number): void {
    clearTimeout(this.#parting);
    this.#parting = setTimeout(() => this.socket.destroy(), ms).unref();
  }

  #cutAll(code: number): void {
    for (const stream of this.streams.all()) stream.takeReset({ code, by: 'connection', unprocessed: false });
  }

  #closed(): void {
    this.#state = 'gone';
    this.#reader.stop();
    this.#lifetime.stop();
    clearTimeout(this.#parting);
    this.#cutAll(ErrorCodes.CANCEL);
    this.tellCloses();
    this.#options.closed(this);
    this.#options.onClose(this.#connection, this.#end);
  }
}
