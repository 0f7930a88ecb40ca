/** One HTTP/2 connection of a client, on a socket that somebody else accepted. */

import type { Duplex } from 'node:stream';
import type { Connection } from '../../../core/raw.ts';
import type { ConnectionBudget } from '../../budgets.ts';
import type { SessionEnd } from '../../session-end.ts';
import type { EngineOptions } from '../engine.ts';
import { Floods } from './floods.ts';
import { type Flushable, flushSoon } from './flush-round.ts';
import { FrameReader } from './frame-reader.ts';
import { greet } from './greeting.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import { HpackError } from './hpack/hpack-error.ts';
import { Incoming } from './incoming.ts';
import { Lifetime } from './lifetime.ts';
import { ConnectionError, ErrorCodes, FrameType, MAX_31 } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';
import { mostHeaderBytes, Requests } from './requests.ts';
import { Sender } from './sender.ts';
import type { FrameStream, StreamOwner } from './stream.ts';
import { Streams } from './streams.ts';
import { UploadStops } from './upload-stops.ts';

/** How long a peer may take to answer a PING, or to close its side, when the connection goes; in milliseconds. */
const PARTING_MS = 1000;
/** How long it may take what is still on its way to it, when nothing is wrong; in milliseconds. */
const SLOW_PARTING_MS = 60_000;
/** What a peer may still send when it was told to go, in bytes: it is read so that our last word is not lost. */
const PARTING_BYTES = 1024 * 1024;
/** While so much has not been taken by the peer, nothing is read from it: answers to its frames would pile up. */
const MOST_WAITING = 1024 * 1024;

/** What an engine wants to know of its connections. */
export interface SessionOptions extends EngineOptions {
  /** Streams were opened or closed. */
  streams(change: number): void;
  closed(session: FrameSession): void;
}

/**
 * Whether requests are accepted, and how far the parting is: `leaving` after the first GOAWAY, which gives requests that
 * are under way the time to arrive; `going` after the second, which names the last; `gone` when nothing more is said.
 */
type State = 'open' | 'leaving' | 'going' | 'gone';

/** One connection. */
export class FrameSession implements StreamOwner, Flushable {
  readonly sender: Sender;
  readonly #socket: Duplex;
  readonly #connection: Connection;
  readonly #options: SessionOptions;
  readonly #streams = new Streams();
  readonly #reader: FrameReader;
  readonly #requests: Requests;
  readonly #lifetime: Lifetime;
  readonly #window: ReceiveWindow;
  readonly #uploads = new UploadStops();
  /** Streams that nobody has told of their close yet. */
  #finished: FrameStream[] = [];
  #scheduled = false;
  #state: State = 'open';
  #end: SessionEnd | undefined;
  #parting: NodeJS.Timeout | undefined;
  #partingBytes = 0;

  constructor(socket: Duplex, connection: Connection, budget: ConnectionBudget | undefined, options: SessionOptions) {
    this.#socket = socket;
    this.#connection = connection;
    this.#options = options;
    const { limits } = options;
    const streams = this.#streams;
    const encoder = new HpackEncoder();
    const floods = new Floods(limits.maxConcurrentStreams);
    const sender = new Sender(
      socket,
      encoder,
      () => this.#schedule(),
      () => floods.sent(1),
    );
    this.sender = sender;
    this.#window = new ReceiveWindow(limits.connectionWindowBytes);
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
      lastAccepted: () => (this.#state === 'open' || this.#state === 'leaving' ? MAX_31 : 0),
      opened: () => {
        options.streams(1);
        lifetime.busy();
      },
      overspent: (end) => this.#leave(ErrorCodes.ENHANCE_YOUR_CALM, end),
      onRequest: (request, reply) => options.onRequest(request, reply),
      onDefect: (of, defect) => options.onDefect(of, defect),
    });
    const incoming = new Incoming({
      owner: this,
      sender,
      streams,
      requests: this.#requests,
      floods,
      lifetime,
      window: this.#window,
      maxBlockBytes: mostHeaderBytes(limits),
      tableSize: (bytes) => encoder.setMaxTableBytes(bytes),
      pong: () => {
        if (this.#state === 'leaving') this.#last();
      },
      goaway: (code) => {
        if (code !== 0) this.#end ??= { reason: 'the client sent GOAWAY', code: String(code) };
        if (this.#state === 'open') this.#last();
      },
    });
    this.#reader = new FrameReader((type, flags, stream, bytes, start, end) =>
      incoming.frame(type, flags, stream, bytes, start, end),
    );
    greet(sender.outbox, limits);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('drain', () => this.#drained());
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
    this.#state = 'leaving';
    const { outbox } = this.sender;
    this.sender.outbox.goaway(MAX_31, ErrorCodes.NO_ERROR);
    // What was sent before the answer to this came has arrived when the answer has: section 6.8.
    outbox.control(FrameType.PING, 0, 0, Buffer.from('draining', 'latin1'));
    this.#parting = setTimeout(() => this.#last(), PARTING_MS).unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  consumed(stream: FrameStream | undefined, bytes: number): void {
    const given = this.#window.give(bytes);
    const { outbox } = this.sender;
    if (given > 0) outbox.number(FrameType.WINDOW_UPDATE, 0, given);
    if (stream === undefined || stream.remoteDone) return;
    const more = stream.incoming.give(bytes);
    if (more > 0) outbox.number(FrameType.WINDOW_UPDATE, stream.id, more);
  }

  answered(stream: FrameStream): void {
    this.#uploads.add(stream);
    this.#schedule();
  }

  finished(stream: FrameStream): void {
    this.#streams.remove(stream);
    this.#finished.push(stream);
    this.#schedule();
  }

  /** It made us reset the stream, which costs what a reset of its own does. */
  broken(stream: FrameStream, code: number): void {
    const { id } = stream;
    this.#streams.sever(id);
    this.#requests.hasty(stream);
    if (this.#state === 'gone') return;
    this.sender.reset(id, code);
    stream.takeReset({ code, by: 'peer', unprocessed: false });
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#uploads.stop()) this.#schedule();
    if (this.#state !== 'gone' && !this.#socket.writableEnded) this.sender.outbox.flush();
    this.#tellCloses();
    if (this.#state === 'going' && this.#streams.size === 0) this.#leave(undefined, this.#end);
    else if (this.sender.pending && !this.sender.full) this.#try(() => this.sender.send());
    if (this.#state !== 'gone' && this.sender.outbox.waiting > MOST_WAITING) this.#socket.pause();
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'gone') {
      this.#partingBytes += chunk.length;
      if (this.#partingBytes > PARTING_BYTES) this.#socket.destroy();
      return;
    }
    this.#try(() => this.#reader.take(chunk));
  }

  /** Whatever is thrown ends this connection, and not the process with all others. */
  #try(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends the connection because of what it sent; anything else that was thrown is a defect of ours. */
  #fail(error: unknown): void {
    if (error instanceof ConnectionError) {
      const { code, message: reason, limit } = error;
      this.#requests.broken();
      this.#leave(ErrorCodes[code], { reason, code, ...(limit !== undefined && { limit }) });
    } else if (error instanceof HpackError) this.#fail(new ConnectionError('COMPRESSION_ERROR', error.message));
    else {
      this.#options.onDefect(this.#connection, error);
      this.#leave(ErrorCodes.INTERNAL_ERROR, this.#end);
    }
  }

  /** The last GOAWAY; the connection closes when nothing is open. */
  #last(): void {
    if (this.#state === 'going' || this.#state === 'gone') return;
    this.#state = 'going';
    clearTimeout(this.#parting);
    this.sender.outbox.goaway(this.#streams.lastTaken, ErrorCodes.NO_ERROR);
    this.#schedule();
  }

  /** The connection was quiet for too long. */
  #retire(end: SessionEnd): void {
    if (this.#state === 'gone') return;
    this.#end ??= end;
    if (end.code === undefined && this.#streams.size === 0) this.#last();
    else this.#leave(end.code === undefined ? ErrorCodes.NO_ERROR : ErrorCodes.SETTINGS_TIMEOUT, this.#end);
  }

  /** Says the last word, and closes; `code` undefined where it was said before. Streams that are open are cut. */
  #leave(code: number | undefined, end: SessionEnd | undefined): void {
    if (this.#state === 'gone') return;
    this.#end = end;
    if (code !== undefined) this.sender.outbox.goaway(this.#streams.lastTaken, code);
    if (!this.#socket.writableEnded) this.sender.outbox.flush();
    this.#state = 'gone';
    this.#reader.stop();
    this.#lifetime.stop();
    this.#cutAll(code === undefined || code === ErrorCodes.NO_ERROR ? ErrorCodes.CANCEL : code);
    // A peer that does not close its side cannot hold the socket; one that is slow may still take what it was answered.
    this.#destroyAfter(code === undefined ? SLOW_PARTING_MS : PARTING_MS);
    this.#socket.end(() => this.#destroyAfter(PARTING_MS));
    this.#socket.resume();
  }

  #destroyAfter(ms: number): void {
    clearTimeout(this.#parting);
    this.#parting = setTimeout(() => this.#socket.destroy(), ms).unref();
  }

  #cutAll(code: number): void {
    for (const stream of this.#streams.all()) stream.takeReset({ code, by: 'connection', unprocessed: false });
  }

  #closed(): void {
    this.#state = 'gone';
    this.#reader.stop();
    this.#lifetime.stop();
    clearTimeout(this.#parting);
    this.#cutAll(ErrorCodes.CANCEL);
    this.#tellCloses();
    this.#options.closed(this);
    this.#options.onClose(this.#connection, this.#end);
  }

  #drained(): void {
    if (this.#state === 'gone') return;
    this.#socket.resume();
    this.#try(() => this.sender.send());
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    flushSoon(this);
  }

  #tellCloses(): void {
    while (this.#finished.length > 0) {
      const finished = this.#finished;
      this.#finished = [];
      this.#options.streams(-finished.length);
      if (this.#streams.size === 0 && this.#state !== 'gone') this.#lifetime.quiet();
      for (const stream of finished) {
        try {
          stream.close();
        } catch (defect) {
          this.#options.onDefect(this.#connection, defect);
        }
      }
    }
  }
}
