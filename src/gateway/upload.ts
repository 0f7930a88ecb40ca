/** The request's body on its way up, at the pace of the upstream; what a replay may need of it is kept. */

import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { trailerFields } from '../core/headers.ts';
import { addPiece } from '../core/pieces.ts';
import type { DownstreamStream, Fields, UpstreamStream } from '../core/raw.ts';
import { BodyWatch } from './body-watch.ts';
import type { PaceLimits } from './pace.ts';

const NOTHING = new Uint8Array(0);

/** One request's body. */
export class Upload {
  readonly #exchange: Exchange;
  readonly #downstream: DownstreamStream;
  readonly #maxKept: number;
  #upstream: UpstreamStream | undefined;
  #kept: Uint8Array[] | undefined = [];
  #keptBytes = 0;
  #ended: boolean;
  #trailers: Fields | undefined;
  /** Pauses while the upstream takes no more, or there is none: that is not the client's fault. None where no body comes. */
  readonly #watch: BodyWatch | undefined;

  /**
   * `idleMs`: how long the body may make no progress; 0 for no limit. `pace`: how slow it may be. `maxKept`: how many
   * bytes are kept for as long as the request may have to be sent again.
   */
  constructor(exchange: Exchange, clock: Clock, idleMs: number, pace: PaceLimits | undefined, maxKept: number) {
    this.#exchange = exchange;
    this.#downstream = exchange.downstream;
    this.#maxKept = maxKept;
    this.#ended = this.#downstream.ended;
    if (!this.#ended) this.#watch = new BodyWatch(clock, idleMs, pace, (error) => exchange.abort(error));
  }

  /** The request is complete. */
  get ended(): boolean {
    return this.#ended;
  }

  /** All that came of the body is still here, and may be sent. */
  get replayable(): boolean {
    return this.#kept !== undefined;
  }

  /** Sends what is kept and lets the rest flow. */
  begin(upstream: UpstreamStream): void {
    if (this.#downstream.ended) return;
    this.#upstream = upstream;
    for (const chunk of this.#kept ?? []) upstream.write(chunk);
    if (this.#ended) {
      upstream.end(this.#trailers);
      return;
    }
    const { head, record } = this.#exchange;
    if (head.headers.expect !== undefined && record.attempts === 1) this.#downstream.inform(100, []);
    this.#watch?.start();
    this.#downstream.resume();
  }

  /** The attempt is over; the body waits for the next one. */
  hold(): void {
    this.#upstream = undefined;
    this.#watch?.pause();
    this.#downstream.pause();
  }

  /** There will be no further attempt. */
  forget(): void {
    this.#kept = undefined;
  }

  take(chunk: Uint8Array): void {
    const { record, bodyLimit } = this.#exchange;
    record.bytesIn += chunk.length;
    this.#watch?.moved(chunk.length);
    if (bodyLimit > 0 && record.bytesIn > bodyLimit) {
      this.#exchange.abort(new GatewayError('BODY_TOO_LARGE', { detail: `more than max_bytes ${bodyLimit}` }));
      return;
    }
    if (this.#exchange.inspectBody !== undefined) {
      this.#exchange.inspectBody(chunk, false);
      if (this.#exchange.aborted !== undefined) return;
    }
    this.#keep(chunk);
    if (this.#upstream?.write(chunk) !== false) return;
    this.#watch?.pause();
    this.#downstream.pause();
  }

  end(trailers: Fields | undefined): void {
    this.#ended = true;
    this.#trailers = trailerFields(trailers);
    this.stop();
    this.#exchange.inspectBody?.(NOTHING, true);
    if (this.#exchange.aborted !== undefined) return;
    this.#upstream?.end(this.#trailers);
  }

  /** The upstream takes more again. */
  drained(): void {
    this.#watch?.resume();
    this.#downstream.resume();
  }

  /** Nobody waits for the body any more. */
  stop(): void {
    this.#watch?.stop();
  }

  #keep(chunk: Uint8Array): void {
    if (this.#kept === undefined) return;
    this.#keptBytes += chunk.length;
    if (this.#keptBytes > this.#maxKept) this.#kept = undefined;
    else addPiece(this.#kept, chunk);
  }
}
