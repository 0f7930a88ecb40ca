/** One HTTP/2 connection, whichever side of it we are: its streams, its windows, and when what it has to say goes out. */

import type { Duplex } from 'node:stream';
import { type Flushable, flushSoon } from './flush-round.ts';
import type { HpackEncoder } from './hpack/encoder.ts';
import { HpackError } from './hpack/hpack-error.ts';
import type { FrameMessage, StreamOwner } from './message.ts';
import { ConnectionError, FrameType } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';
import { Sender } from './sender.ts';
import { Streams } from './streams.ts';

/** While so much has not been taken by the peer, nothing is read from it: answers to its frames would pile up. */
const MOST_WAITING = 1024 * 1024;

/** How a side deals with its connection. */
export interface ConnectionOptions {
  readonly encoder: HpackEncoder;
  /** Of the whole connection, as it is announced. */
  readonly windowBytes: number;
  /** See Streams. */
  readonly strict: boolean;
  /** A DATA frame was sent. */
  onFrame(): void;
}

/** One connection on a socket that is open. */
export abstract class FrameConnection<S extends FrameMessage> implements StreamOwner, Flushable {
  readonly sender: Sender;
  protected readonly socket: Duplex;
  protected readonly streams: Streams<S>;
  /** What we let the peer send on all streams together. */
  protected readonly window: ReceiveWindow;
  /** Streams that nobody has told of their close yet. */
  #finished: S[] = [];
  #scheduled = false;

  constructor(socket: Duplex, { encoder, windowBytes, strict, onFrame }: ConnectionOptions) {
    this.socket = socket;
    this.streams = new Streams(strict);
    this.sender = new Sender(socket, encoder, () => this.schedule(), onFrame);
    this.window = new ReceiveWindow(windowBytes);
  }

  /** Nothing more is said or heard. */
  protected abstract readonly gone: boolean;
  /** The connection closes with its last stream. */
  protected abstract readonly going: boolean;
  /** All streams are done, and the connection is going. */
  protected abstract depart(): void;
  /** Ends the connection because of what it sent. */
  protected abstract fail(error: ConnectionError): void;
  /** Ends it because of a defect of ours, which was reported. */
  protected abstract giveUp(): void;
  protected abstract report(defect: unknown): void;
  /** Streams are closed; each is told of it next. */
  protected abstract closedStreams(count: number): void;

  abstract spoken(stream: S): void;
  abstract broken(stream: S, code: number): void;

  consumed(stream: FrameMessage | undefined, bytes: number): void {
    const given = this.window.give(bytes);
    const { outbox } = this.sender;
    if (given > 0) outbox.number(FrameType.WINDOW_UPDATE, 0, given);
    if (stream === undefined || stream.remoteDone) return;
    const more = stream.incoming.give(bytes);
    if (more > 0) outbox.number(FrameType.WINDOW_UPDATE, stream.id, more);
  }

  finished(stream: S): void {
    this.streams.remove(stream);
    this.#finished.push(stream);
    this.schedule();
  }

  flush(): void {
    this.#scheduled = false;
    this.aboutToFlush();
    if (!this.gone && !this.socket.writableEnded) this.sender.outbox.flush();
    this.tellCloses();
    if (this.going && this.streams.size === 0) this.depart();
    else if (this.sender.pending && !this.sender.full) this.attempt(() => this.sender.send());
    if (!this.gone && this.sender.outbox.waiting > MOST_WAITING) this.socket.pause();
  }

  protected aboutToFlush(): void {}

  /** The socket takes more. */
  protected drained(): void {
    if (this.gone) return;
    this.socket.resume();
    this.attempt(() => this.sender.send());
  }

  protected schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    flushSoon(this);
  }

  /** Whatever is thrown ends this connection, and not the process with all others. */
  protected attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (error instanceof ConnectionError) this.fail(error);
      else if (error instanceof HpackError) this.fail(new ConnectionError('COMPRESSION_ERROR', error.message));
      else {
        this.report(error);
        this.giveUp();
      }
    }
  }

  protected tellCloses(): void {
    while (this.#finished.length > 0) {
      const finished = this.#finished;
      this.#finished = [];
      this.closedStreams(finished.length);
      for (const stream of finished) {
        try {
          stream.close();
        } catch (defect) {
          this.report(defect);
        }
      }
    }
  }
}
