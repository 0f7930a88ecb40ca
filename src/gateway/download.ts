/** The answer on its way down, at the pace of the client; a cut answer is never shown as a complete one. */

import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Answer, Exchange } from '../core/exchange.ts';
import { getField, trailerFields } from '../core/headers.ts';
import { type DownstreamStream, type Fields, ResetCode, type Sink } from '../core/raw.ts';
import { watchFrames } from '../dialects/index.ts';
import { Pace, type PaceLimits } from './pace.ts';

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
  /** Bytes that were given to the client's side and may wait there still. */
  #given = 0;

  /** `idleMs`: how long a client may take no data while some waits for it; 0 for no limit. `pace`: how slow it may be. */
  constructor(exchange: Exchange, clock: Clock, idleMs: number, pace?: PaceLimits) {
    this.#exchange = exchange;
    this.#downstream = exchange.downstream;
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#pace = pace && new Pace(pace);
  }

  /** The head was sent. */
  get begun(): boolean {
    return this.#sink !== undefined;
  }

  /** Nothing more is sent: the answer is complete, or was cut. */
  get over(): boolean {
    return this.#over;
  }

  /** Sends the head; throws, with nothing sent, where the client's protocol cannot say it. */
  begin(answer: Answer): void {
    this.#downstream.respond(answer.status, answer.fields, answer.ended);
    this.#sink = answer.sink ?? this.#downstream;
    if (answer.ended) {
      this.#done();
      return;
    }
    this.#lengthTold = getField(answer.fields, 'content-length') !== undefined;
    this.#frames = watchFrames(answer.fields);
  }

  /** False asks to hold on until `drained`. */
  write(chunk: Uint8Array): boolean {
    this.#exchange.record.bytesOut += chunk.length;
    this.#given += chunk.length;
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
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    this.#pace?.stop(this.#clock.now());
  }

  /** The client's stream is closed. */
  close(): void {
    this.#over = true;
    this.drained();
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
    this.#pace?.moved(this.#given, now);
    this.#pace?.start(now);
    this.#given = 0;
    const paceMs = this.#pace?.left(now) ?? this.#idleMs;
    const detail = paceMs < this.#idleMs ? 'limits.write_min_bytes_per_s' : 'limits.write_idle_ms';
    this.#cancelIdle = this.#clock.after(Math.max(1, Math.min(this.#idleMs, paceMs)), () => {
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
