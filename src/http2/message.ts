/** One stream of a connection, whichever side of it we are: two messages, one each way. RFC 9113 section 5.1. */

import { addPiece } from '../core/pieces.ts';
import { type Fields, type MessageStream, NOBODY, type Receiver, type Reset, ResetCode } from '../core/raw.ts';
import { Once, unsayable } from './field-rules.ts';
import { DEFAULT_FRAME_BYTES, MAX_31 } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { Sender, Sending } from './sender.ts';

/** How much of an answer may wait in a stream before its writer is asked to hold on, and when it may go on, in bytes. */
const HIGH_BYTES = 64 * 1024;
const LOW_BYTES = 32 * 1024;

/** A view on this many times its own bytes is copied: a peer that sends a little at a time holds no more memory. */
const MOST_HELD = 8;

const NOTHING = new Uint8Array(0);

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly sender: Sender;
  /** Bytes of the peer's message were read, or will not be: it may send so many more. `stream` undefined: on no stream. */
  consumed(stream: FrameMessage | undefined, bytes: number): void;
  /** Our message is out, and that of the peer is not complete. */
  spoken(stream: FrameMessage): void;
  /** Both directions are done, or the stream was reset. */
  finished(stream: FrameMessage): void;
  /** The peer broke the rules of the stream: it is reset with this code, and the peer pays for it. */
  broken(stream: FrameMessage, code: number): void;
}

/** One stream. Those of its connection call what begins with `take`. */
export abstract class FrameMessage implements MessageStream, Sending {
  readonly id: number;
  receiver: Receiver = NOBODY;
  queued = false;
  /** It was reset from here, before the end of the peer's message was heard: more of it may be under way. */
  severed = false;
  readonly incoming: ReceiveWindow;
  /** The peer's message is complete, or nothing more of it will be heard. */
  remoteDone: boolean;
  protected readonly owner: StreamOwner;
  /** What has come whole is told to its end, whenever its reader takes it: an answer, but no request that was answered. */
  readonly #patient: boolean;
  /** The peer's window of this stream; negative where it was made smaller. */
  #window: number;
  /** Bytes that are to come; NaN where no length was told. */
  #expected = Number.NaN;
  #flowing = false;
  #kept: Uint8Array[] = [];
  #end: { readonly trailers: Fields | undefined } | undefined;
  #telling = false;
  #queue: Uint8Array[] = [];
  #waiting = 0;
  #wantsDrain = false;
  /** Our message was ended by its writer. */
  #ending = false;
  #trailers: Fields | undefined;
  /** Nothing goes out any more, nor is anything told but the close. */
  #over = false;
  #localDone = false;
  #reset: Reset | undefined;

  constructor(
    id: number,
    owner: StreamOwner,
    settings: {
      /** The peer's message has no body. */
      readonly ended: boolean;
      /** Bytes of the peer's body, where it was told. */
      readonly contentLength?: string | undefined;
      /** Bytes. */
      readonly sendWindow: number;
      readonly receiveWindow: number;
      readonly patient: boolean;
    },
  ) {
    this.id = id;
    this.owner = owner;
    this.remoteDone = settings.ended;
    this.#patient = settings.patient;
    this.expect(settings.contentLength);
    this.#window = settings.sendWindow;
    this.incoming = new ReceiveWindow(settings.receiveWindow);
  }

  pause(): void {
    this.#flowing = false;
  }

  resume(): void {
    if (this.#flowing || this.#over) return;
    this.#flowing = true;
    if ((this.#kept.length === 0 && this.#end === undefined) || this.#telling) return;
    this.#telling = true;
    // Not now: whoever says this may not be ready to be told.
    queueMicrotask(() => this.#tell());
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#ending || chunk.length === 0) return true;
    this.#queue.push(chunk);
    this.#waiting += chunk.length;
    this.owner.sender.ready(this);
    if (this.#waiting <= HIGH_BYTES) return true;
    this.#wantsDrain = true;
    return false;
  }

  end(trailers?: Fields): void {
    if (this.#over || this.#ending) return;
    if (trailers !== undefined && unsayable(trailers, Once.TRAILERS) !== undefined) {
      this.reset(ResetCode.INTERNAL_ERROR);
      return;
    }
    this.#ending = true;
    this.#wantsDrain = false;
    this.#trailers = trailers;
    if (this.#queue.length > 0) this.owner.sender.ready(this);
    else this.#sendEnd();
  }

  reset(code: number): void {
    if (this.#over) return;
    this.severed = !this.remoteDone;
    this.cut();
    this.owner.sender.reset(this.id, code);
    this.owner.finished(this);
  }

  get sendable(): boolean {
    return this.#queue.length > 0 && this.#window > 0;
  }

  sendOne(room: number): number {
    const piece = this.#queue[0]!;
    const bytes = Math.min(piece.length, DEFAULT_FRAME_BYTES, room, this.#window);
    const whole = bytes === piece.length;
    if (whole) this.#queue.shift();
    else this.#queue[0] = piece.subarray(bytes);
    this.#window -= bytes;
    this.#waiting -= bytes;
    const last = this.#ending && this.#queue.length === 0;
    const { outbox } = this.owner.sender;
    outbox.data(this.id, whole ? piece : piece.subarray(0, bytes), last && this.#trailers === undefined);
    if (last && this.#trailers !== undefined) this.#sendEnd();
    else if (last) this.#sent();
    else if (this.#wantsDrain && this.#waiting <= LOW_BYTES) {
      this.#wantsDrain = false;
      this.receiver.onDrain();
    }
    return bytes;
  }

  /** The peer gives so many bytes more, or takes them back; false where that makes more than 2^31-1. */
  takeWindow(bytes: number): boolean {
    this.#window += bytes;
    if (this.#window > MAX_31) return false;
    if (this.sendable) this.owner.sender.ready(this);
    return true;
  }

  /** A piece of the peer's body: `bytes` from `start` to `end`, which belong to the connection. */
  takeData(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#expected -= length;
    if (this.#expected < 0) {
      this.owner.consumed(undefined, length);
      this.owner.broken(this, ResetCode.PROTOCOL_ERROR);
      return;
    }
    const held = length * MOST_HELD >= bytes.buffer.byteLength;
    const chunk = held ? bytes.subarray(start, end) : Uint8Array.prototype.slice.call(bytes, start, end);
    if (!this.#flowing || this.#kept.length > 0) {
      addPiece(this.#kept, chunk);
      return;
    }
    this.receiver.onData(chunk);
    this.owner.consumed(this, length);
  }

  /** The peer's message is complete. */
  takeEnd(trailers: Fields | undefined): void {
    // NaN where no length was told.
    if (this.#expected > 0) {
      this.owner.broken(this, ResetCode.PROTOCOL_ERROR);
      return;
    }
    this.remoteDone = true;
    if (this.#flowing && this.#kept.length === 0) this.receiver.onEnd(trailers);
    else this.#end = { trailers };
    if (this.#localDone) this.#finish();
  }

  /**
   * The stream is dead in both directions, and not by its owner, who is told when the stream is closed: it may have come
   * in the same packet as the head, whose owner is not known before promises have been settled.
   */
  takeReset(reset: Reset): void {
    if (this.#over) return;
    // A server may stop the request before the END_STREAM of its answer is out (Node's does): its length proves the end.
    if (this.#patient && !this.remoteDone && this.#expected === 0 && reset.code === ResetCode.NO_ERROR) {
      this.takeEnd(undefined);
    }
    if (this.#over) return;
    this.#reset ??= reset;
    if (this.#patient && this.#end !== undefined) {
      // Its end is told first; nothing more goes out until then.
      this.#ending = true;
      this.#queue = [];
      return;
    }
    this.cut();
    this.owner.finished(this);
  }

  /** Nothing more of it goes out or is told. */
  cut(): void {
    this.#over = true;
    this.remoteDone = true;
    this.#end = undefined;
    this.#waiting = 0;
    if (this.#queue.length > 0) this.#queue = [];
    if (this.#kept.length === 0) return;
    let unread = 0;
    for (const { length } of this.#kept) unread += length;
    this.#kept = [];
    this.owner.consumed(undefined, unread);
  }

  /** The last event. */
  close(): void {
    if (this.#reset !== undefined) this.receiver.onReset(this.#reset);
    const { receiver } = this;
    this.receiver = NOBODY;
    receiver.onClose();
    this.closed();
  }

  /** How many bytes of body the peer's head tells. */
  protected expect(contentLength: string | undefined): void {
    this.#expected = contentLength === undefined ? Number.NaN : Number(contentLength);
  }

  /** Nobody wants to say or hear anything more. */
  protected get over(): boolean {
    return this.#over;
  }

  /** Our message ended with its head. */
  protected endedWithHead(): void {
    this.#ending = true;
    this.#sent();
  }

  /** A body that is all here. */
  protected writeWhole(body: readonly Uint8Array[]): void {
    for (const piece of body) {
      if (piece.length === 0) continue;
      this.#queue.push(piece);
      this.#waiting += piece.length;
    }
    this.end();
  }

  /** After `onClose`. */
  protected closed(): void {}

  /** The peer's message ended with its head. */
  protected heardAll(): void {
    this.remoteDone = true;
    if (this.#localDone) this.#finish();
  }

  #sendEnd(): void {
    const { sender } = this.owner;
    if (this.#trailers === undefined) sender.outbox.data(this.id, NOTHING, true);
    else sender.head(this.id, undefined, this.#trailers, true);
    this.#sent();
  }

  /** Our END_STREAM is on its way. */
  #sent(): void {
    this.#localDone = true;
    if (this.remoteDone) this.#finish();
    else this.owner.spoken(this);
  }

  #finish(): void {
    if (this.#over || (this.#patient && this.#end !== undefined)) return;
    this.cut();
    this.owner.finished(this);
  }

  /** Tells what was kept, as long as the owner takes it. */
  #tell(): void {
    while (this.#flowing && this.#kept.length > 0) {
      const chunk = this.#kept.shift()!;
      this.receiver.onData(chunk);
      this.owner.consumed(this, chunk.length);
    }
    this.#telling = false;
    if (!this.#flowing || this.#over || this.#end === undefined) return;
    const { trailers } = this.#end;
    this.#end = undefined;
    this.receiver.onEnd(trailers);
    if (!this.#patient) return;
    if (this.#reset !== undefined) this.takeReset(this.#reset);
    else if (this.#localDone) this.#finish();
  }
}
