/**
 * The beginning of a request's body, looked at before the request is sent on. What was read stays here and is told to
 * the next owner of the stream as if it came just then: the body goes on untouched, and nothing is read twice.
 */

import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { PeekedBody } from '../core/exchange.ts';
import { type DownstreamStream, type Fields, NOBODY, type Receiver, type Reset } from '../core/raw.ts';
import { BodyWatch } from './body-watch.ts';
import type { PaceLimits } from './pace.ts';

type Done = (error: GatewayError | undefined, body: PeekedBody) => void;

interface Wanted {
  readonly maxBytes: number;
  readonly done: Done;
  readonly enough: ((bytes: Buffer) => boolean) | undefined;
}

/** A downstream stream of which the first bytes may be known before they are wanted. */
export class BodyPeek implements DownstreamStream {
  readonly #stream: DownstreamStream;
  readonly #watch: BodyWatch;
  /** The client waits for 100 before it sends anything; it is told once. */
  #expectsContinue: boolean;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #end: { readonly trailers: Fields | undefined } | undefined;
  #reset: Reset | undefined;
  #closed = false;
  #wanted: Wanted | undefined;
  #receiver: Receiver = NOBODY;
  #flowing = false;
  /** Everything kept was told: the stream talks to its owner itself. */
  #through = false;

  /** `idleMs`: how long the client may send nothing while the body is waited for; 0 for no limit. `pace`: how slowly. */
  constructor(stream: DownstreamStream, clock: Clock, idleMs: number, expectsContinue: boolean, pace?: PaceLimits) {
    this.#stream = stream;
    this.#watch = new BodyWatch(clock, idleMs, pace, (error) => this.#settle(error));
    this.#expectsContinue = expectsContinue;
    stream.receiver = this.#keeping();
  }

  /** See `Exchange.peek`. One at a time. */
  peek(wanted: Wanted): void {
    this.#wanted = wanted;
    if (this.#stream.ended) this.#end ??= { trailers: undefined };
    this.#look();
    if (this.#wanted === undefined) return;
    if (this.#expectsContinue) this.inform(100, []);
    this.#watch.start();
    this.#stream.resume();
  }

  /** The exchange was given up: whoever waits for the body is told. */
  giveUp(error: GatewayError): void {
    if (this.#wanted !== undefined) this.#settle(error);
  }

  get receiver(): Receiver {
    return this.#receiver;
  }

  /** The next owner: is told what was kept once it lets the body flow, and at once that the client has left. */
  set receiver(receiver: Receiver) {
    this.#receiver = receiver;
    if (this.#through) this.#stream.receiver = receiver;
    else if (this.#reset !== undefined || this.#closed) queueMicrotask(() => this.#tellEnd());
  }

  get ended(): boolean {
    return this.#stream.ended;
  }

  get responded(): boolean {
    return this.#stream.responded;
  }

  get onClosed(): (() => void) | undefined {
    return this.#stream.onClosed;
  }

  set onClosed(callback: (() => void) | undefined) {
    this.#stream.onClosed = callback;
  }

  inform(status: number, fields: Fields): void {
    if (status === 100) {
      if (!this.#expectsContinue) return;
      this.#expectsContinue = false;
    }
    this.#stream.inform(status, fields);
  }

  respondWhole(status: number, fields: Fields, body: readonly Uint8Array[]): void {
    this.#stream.respondWhole(status, fields, body);
  }

  respond(status: number, fields: Fields, ended: boolean): void {
    this.#stream.respond(status, fields, ended);
  }

  write(chunk: Uint8Array): boolean {
    return this.#stream.write(chunk);
  }

  end(trailers?: Fields): void {
    this.#stream.end(trailers);
  }

  reset(code: number): void {
    this.#stream.reset(code);
  }

  pause(): void {
    this.#flowing = false;
    if (this.#through) this.#stream.pause();
  }

  resume(): void {
    if (this.#through) {
      this.#stream.resume();
    } else if (!this.#flowing) {
      this.#flowing = true;
      queueMicrotask(() => this.#tell());
    }
  }

  /** The receiver of the stream while what comes has no owner yet. */
  #keeping(): Receiver {
    return {
      onData: (chunk) => {
        this.#chunks.push(chunk);
        this.#bytes += chunk.length;
        this.#watch.moved(chunk.length);
        this.#look();
      },
      onEnd: (trailers) => {
        this.#end = { trailers };
        this.#look();
      },
      onReset: (reset) => {
        this.#reset = reset;
        this.#look();
        this.#receiver.onReset(reset);
      },
      onDrain: () => this.#receiver.onDrain(),
      onClose: () => {
        this.#closed = true;
        this.#look();
        this.#receiver.onClose();
      },
    };
  }

  /** Calls back where what is there will do. */
  #look(): void {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const complete = this.#end !== undefined;
    if (this.#reset !== undefined || this.#closed) {
      this.#settle(new GatewayError('CLIENT_LEFT'));
    } else if (complete || this.#bytes >= wanted.maxBytes || wanted.enough?.(this.#joined()) === true) {
      this.#settle(undefined);
    }
  }

  #settle(error: GatewayError | undefined): void {
    const { done } = this.#wanted!;
    this.#wanted = undefined;
    this.#watch.stop();
    this.#stream.pause();
    done(error, { bytes: this.#joined(), complete: this.#end !== undefined });
  }

  #joined(): Buffer {
    if (this.#chunks.length === 1) {
      const only = this.#chunks[0]!;
      return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
    }
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = this.#bytes === 0 ? [] : [joined];
    return joined;
  }

  /** Tells the owner what was kept, as long as it takes it; then the stream goes on by itself. */
  #tell(): void {
    while (this.#flowing && this.#chunks.length > 0) this.#receiver.onData(this.#chunks.shift()!);
    if (!this.#flowing || this.#through) return;
    if (this.#end !== undefined) {
      const { trailers } = this.#end;
      this.#through = true;
      this.#stream.receiver = this.#receiver;
      this.#receiver.onEnd(trailers);
      return;
    }
    this.#through = true;
    this.#stream.receiver = this.#receiver;
    this.#stream.resume();
  }

  #tellEnd(): void {
    if (this.#reset !== undefined) this.#receiver.onReset(this.#reset);
    if (this.#closed) this.#receiver.onClose();
  }
}
