/** The answer on its way down, at the pace of the client; a cut answer is never shown as a complete one. */

import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Answer, Exchange } from '../core/exchange.ts';
import { getField, trailerFields } from '../core/headers.ts';
import { type DownstreamStream, type Fields, type Filter, ResetCode, type Sink } from '../core/raw.ts';
import { watchFrames } from '../dialects/index.ts';
import { Pace, type PaceLimits } from './pace.ts';

/** Who is slower than a modem does not get a body in one piece, whatever the config says of readers. */
const SLOWEST_BYTES_PER_S = 1000;
/** Node's timers overflow above this and fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One answer. */
export class Download {
  readonly #exchange: Exchange;
  readonly #downstream: DownstreamStream;
  readonly #clock: Clock;
  readonly #idleMs: number;
  #sink: Sink | undefined;
  #frames: ReturnType<typeof watchFrames>;
  /** Nothing can be added to a body whose length was told. */
  #lengthTold = false;
  #over = false;
  #cancelIdle: (() => void) | undefined;
  readonly #pace: Pace | undefined;
  /** The least bytes a second that a reader may take; 0 for no limit. */
  readonly #slowest: number;
  /** How long an answer that was given whole may take. */
  #wholeMs: number | undefined;
  #filter: Filter | undefined;
  #onDrain: (() => void) | undefined;
  /** Of the bytes that were given to the client's side, those that its pace has heard of. */
  #paced = 0;

  /** `idleMs`: how long a client may take no data while some waits for it; 0 for no limit. `pace`: how slow it may be. */
  constructor(exchange: Exchange, clock: Clock, idleMs: number, pace?: PaceLimits) {
    this.#exchange = exchange;
    this.#downstream = exchange.downstream;
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#pace = pace && new Pace(pace);
    this.#slowest = pace?.bytesPerS ?? 0;
  }

  /** The head was sent. */
  get begun(): boolean {
    return this.#sink !== undefined;
  }

  /** Nothing more is sent: the answer is complete, or was cut. */
  get over(): boolean {
    return this.#over;
  }

  /**
   * Sends the head; throws, with nothing sent, where the client's protocol cannot say it. `onDrain`: more may be written,
   * after a `write` that said false.
   */
  begin(answer: Answer, onDrain: () => void): void {
    this.#downstream.respond(answer.status, answer.fields, answer.ended);
    const sink = answer.sink ?? this.#downstream;
    this.#sink = answer.listen?.(sink) ?? sink;
    this.#onDrain = onDrain;
    this.#filter = answer.filter;
    if (this.#filter !== undefined) this.#filter.onDrain = () => this.#more();
    if (answer.ended) {
      this.#done();
      return;
    }
    this.#lengthTold = getField(answer.fields, 'content-length') !== undefined;
    this.#frames = watchFrames(answer.fields);
  }

  /** Sends an answer whose body is here; throws as `begin` does. */
  whole(answer: Answer, body: readonly Uint8Array[]): void {
    this.#downstream.respondWhole(answer.status, answer.fields, body);
    this.#sink = this.#downstream;
    const { record } = this.#exchange;
    let bytes = 0;
    for (const piece of body) bytes += piece.length;
    record.bytesOut += bytes;
    // How much of it the client has taken is not to be seen before it has taken all: the time that all of it may take.
    this.#wholeMs = this.#idleMs + (bytes * 1000) / (this.#slowest || SLOWEST_BYTES_PER_S);
    this.#done();
  }

  /** False asks to hold on until `onDrain`. */
  write(chunk: Uint8Array): boolean {
    if (this.#filter === undefined) this.#exchange.record.bytesOut += chunk.length;
    this.#frames?.push(chunk);
    if (this.#sink!.write(chunk)) return true;
    this.#watch();
    return false;
  }

  end(trailers: Fields | undefined): void {
    const { record, dialect } = this.#exchange;
    const out = trailerFields(trailers);
    record.grpcStatus = dialect.outcome([], out) ?? this.#frames?.outcome ?? record.grpcStatus;
    this.#sink!.end(out);
    this.#done();
  }

  /** Ends an answer that has begun, in the dialect's words where frames are whole, else by a reset. */
  cut(error: GatewayError, code: number): void {
    if (this.#over) return;
    this.#exchange.record.error ??= error;
    if (!this.#endWith(error)) this.#sink!.reset(clientCode(code));
    this.#done();
  }

  /** The client takes more again. */
  drained(): void {
    this.#taken();
    if (this.#filter === undefined) {
      this.#onDrain?.();
      return;
    }
    this.#filter.drained();
    // What the filter still holds of a complete answer is waited for as before.
    if (this.#over) this.#watch();
  }

  /** The client's stream is closed. */
  close(): void {
    this.#over = true;
    this.#taken();
    this.#filter?.close();
  }

  /** Whoever held back takes more again. */
  #more(): void {
    this.#taken();
    this.#onDrain?.();
  }

  #taken(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    this.#pace?.stop(this.#clock.now());
  }

  /** Ends a stream of whole frames with the error in the dialect's own way: trailers, or a last frame. */
  #endWith(error: GatewayError): boolean {
    if (this.#lengthTold || this.#frames?.whole !== true) return false;
    if (error.code === 'CLIENT_LEFT' || error.code === 'CLIENT_STALLED') return false;
    const { record, dialect, head } = this.#exchange;
    const trailers = dialect.endWith(error);
    const frame = trailers === undefined ? dialect.endFrame?.(error, head) : undefined;
    if (trailers === undefined && frame === undefined) return false;
    record.grpcStatus = String(error.row.grpc);
    if (frame !== undefined) {
      record.bytesOut += frame.length;
      this.#sink!.write(frame);
    }
    this.#sink!.end(trailers);
    return true;
  }

  #done(): void {
    this.#over = true;
    this.#exchange.record.upstreamEnded = this.#clock.now();
    this.#watch();
  }

  /**
   * Gives up on a client that takes nothing while data waits for it; a complete answer that is not taken waits too.
   * Harm: with a window of zero a client would hold streams for ever (CVE-2019-9517).
   */
  #watch(): void {
    if (this.#cancelIdle !== undefined || this.#idleMs === 0) return;
    const now = this.#clock.now();
    // How much of it the client takes meanwhile is not to be seen: it has the time that all of it may take.
    const { bytesOut } = this.#exchange.record;
    this.#pace?.moved(bytesOut - this.#paced, now);
    this.#pace?.start(now);
    this.#paced = bytesOut;
    const paceMs = this.#wholeMs ?? this.#pace?.left(now) ?? this.#idleMs;
    const mostMs = this.#wholeMs ?? this.#idleMs;
    const detail = paceMs < this.#idleMs ? 'limits.write_min_bytes_per_s' : 'limits.write_idle_ms';
    this.#cancelIdle = this.#clock.after(Math.max(1, Math.min(mostMs, paceMs, MAX_TIMER_MS)), () => {
      const error = new GatewayError('CLIENT_STALLED', { detail });
      if (!this.#over) return this.#exchange.abort(error);
      this.#exchange.record.error ??= error;
      this.#downstream.reset(ResetCode.CANCEL);
    });
  }
}

/**
 * The code to reset the client's stream with. NO_ERROR in the middle of an answer is read as its end by some clients
 * (nodejs/node#35209), and REFUSED_STREAM invites them to send again what was processed.
 */
function clientCode(code: number): number {
  return code === ResetCode.NO_ERROR || code === ResetCode.REFUSED_STREAM ? ResetCode.INTERNAL_ERROR : code;
}
