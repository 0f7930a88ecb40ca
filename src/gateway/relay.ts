/**
 * Relays one exchange between two message streams: the request up, the answer down, at the pace of the slower side.
 * Nothing is buffered but what a replay may need, no trailer is lost, and an abort is never turned into an end.
 */

import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Answer, Exchange } from '../core/exchange.ts';
import { answerFields } from '../core/headers.ts';
import { type DownstreamStream, type Receiver, type Reset, ResetCode, type UpstreamStream } from '../core/raw.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { resetError } from '../upstream/node-error.ts';
import type { OpenRequest } from '../upstream/pool.ts';
import { type AnswerHead, Attempt, type AttemptFailure, type Ending, endingOf, type PerTryTimeout } from './attempt.ts';
import { Download } from './download.ts';
import { IdleWatch } from './idle-watch.ts';
import type { PaceLimits } from './pace.ts';
import { Upload } from './upload.ts';

/** How slow either side of an exchange may be, in milliseconds, and how much of a body is kept. */
export interface RelayLimits {
  /** How long a request body may make no progress; 0 for no limit. */
  readonly bodyIdleMs: number;
  /** How long a client may take no data while some waits for it. */
  readonly writeIdleMs: number;
  /** How slow a request body and a reader may be; no minimum where it is not given. */
  readonly bodyPace?: PaceLimits | undefined;
  readonly writePace?: PaceLimits | undefined;
  /** How much of a request body is kept as long as it may have to be sent again, in bytes. */
  readonly keptBodyBytes: number;
}

/** One exchange on its way through. */
export class Relay {
  readonly #exchange: Exchange;
  readonly #downstream: DownstreamStream;
  readonly #clock: Clock;
  readonly #upload: Upload;
  readonly #download: Download;
  #attempt: Attempt | undefined;
  #upstream: UpstreamStream | undefined;
  /** The upstream's answer is complete. */
  #answered = false;
  /** What went wrong after the answer's head came and before it was sent on. */
  #broken: GatewayError | undefined;
  #idle: IdleWatch | undefined;
  #last = false;

  constructor(exchange: Exchange, clock: Clock, limits: RelayLimits) {
    this.#exchange = exchange;
    this.#downstream = exchange.downstream;
    this.#clock = clock;
    this.#upload = new Upload(exchange, clock, limits.bodyIdleMs, limits.bodyPace, limits.keptBodyBytes);
    this.#download = new Download(exchange, clock, limits.writeIdleMs, limits.writePace);
    this.#downstream.receiver = this.#fromClient();
    exchange.onAbort((error) => this.#giveUp(error));
    if (exchange.idleMs > 0) this.#idle = new IdleWatch(clock, exchange.idleMs, () => this.#nothingMoves());
  }

  /** All of the request is here, and may be sent again. */
  get replayable(): boolean {
    return this.#upload.replayable;
  }

  /** No attempt follows the next one: nothing is kept for it. */
  isLast(): void {
    this.#last = true;
  }

  /** Sends the request to an endpoint; resolves with the head of an answer, or with why there is none. */
  attempt(
    endpoint: Endpoint,
    request: Omit<OpenRequest, 'receiver' | 'wanted'>,
    timeout?: PerTryTimeout,
  ): Promise<AnswerHead | AttemptFailure> {
    const { aborted } = this.#exchange;
    if (aborted !== undefined) return Promise.resolve({ error: aborted, ending: 'other' });
    const { promise, resolve } = Promise.withResolvers<AnswerHead | AttemptFailure>();
    const attempt = new Attempt(endpoint, this.#exchange, this.#clock, resolve);
    this.#attempt = attempt;
    if (timeout !== undefined) attempt.limit(timeout.ms, () => this.#timeIsOver(attempt, timeout));
    endpoint.open({ ...request, wanted: () => !attempt.failed, receiver: this.#fromUpstream(attempt) }).then(
      (stream) => {
        if (attempt.failed) stream.reset(ResetCode.CANCEL);
        else this.#begin(stream);
      },
      (thrown) => {
        const error = GatewayError.from(thrown);
        if (attempt.pending && error.row.source === 'upstream') attempt.blame(error);
        this.#fail(attempt, error, error.row.source === 'upstream' ? 'unsent' : 'other');
      },
    );
    return promise;
  }

  /** Sends the answer's head and lets its body flow; throws, with nothing sent, where that cannot be done any more. */
  deliver(answer: Answer): void {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      this.#download.begin(answer, () => this.#upstream?.resume());
    } catch (cause) {
      // A field twice that Node lets out once, for one.
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new GatewayError('UPSTREAM_PROTOCOL', { detail, cause });
    }
    this.#upload.forget();
    if (answer.ended) this.#done();
    else this.#upstream!.resume();
  }

  /** The answer is not wanted, or there will be none. */
  abandon(): void {
    this.#upload.stop();
    this.#upstream?.reset(ResetCode.CANCEL);
  }

  /** The answer whose head came is not taken: another attempt follows. */
  discard(): void {
    this.#attempt!.failed = true;
    // A connection of HTTP/1.1 would close with it, so not where both messages are complete.
    if (!this.#answered || !this.#upload.ended) this.#upstream?.reset(ResetCode.CANCEL);
    this.#upstream = undefined;
    this.#answered = false;
    this.#broken = undefined;
    this.#upload.hold();
  }

  #begin(upstream: UpstreamStream): void {
    this.#upstream = upstream;
    this.#upload.begin(upstream);
    if (this.#last) this.#upload.forget();
  }

  #fromClient(): Receiver {
    const { record } = this.#exchange;
    return {
      onData: (chunk) => {
        this.#idle?.moved();
        this.#upload.take(chunk);
      },
      onEnd: (trailers) => this.#upload.end(trailers),
      onReset: () => {
        if (this.#download.over) return; // it has its answer
        record.error ??= new GatewayError('CLIENT_LEFT');
        this.#exchange.abort(record.error);
      },
      onDrain: () => this.#download.drained(),
      onClose: () => {
        this.#download.close();
        this.#upload.stop();
        this.#idle?.stop();
      },
    };
  }

  #fromUpstream(attempt: Attempt): Receiver {
    return {
      onInterim: (status, fields) => {
        this.#idle?.moved();
        // 100 was the gateway's to send; 101 is for Upgrade, which is not sent on.
        if (status > 101 && status < 200 && !attempt.failed) this.#downstream.inform(status, answerFields(fields));
      },
      onHead: (fields, ended) => {
        if (attempt.failed) return;
        this.#idle?.moved();
        const status = Number(fields[1]);
        if (!(status >= 200 && status <= 599)) {
          const error = new GatewayError('UPSTREAM_PROTOCOL', { detail: `status ${fields[1]}` });
          this.#upstream?.reset(ResetCode.PROTOCOL_ERROR);
          attempt.blame(error);
          this.#fail(attempt, error, 'other');
          return;
        }
        this.#answered = ended;
        attempt.answered({ status, fields, ended });
      },
      onData: (chunk) => {
        if (attempt.failed) return;
        this.#idle?.moved();
        if (!this.#download.over && !this.#download.write(chunk)) this.#upstream!.pause();
      },
      onEnd: (trailers) => {
        if (attempt.failed) return;
        this.#answered = true;
        attempt.concluded(trailers);
        if (this.#download.over) return;
        this.#download.end(trailers);
        this.#done();
      },
      onReset: (reset) => this.#upstreamReset(attempt, reset),
      onDrain: () => {
        if (!attempt.failed) this.#upload.drained();
      },
      onClose: () => {},
    };
  }

  #upstreamReset(attempt: Attempt, reset: Reset): void {
    if (attempt.pending) {
      const error = resetError(reset, false);
      attempt.blame(error, reset, this.#upstream?.session);
      this.#fail(attempt, error, endingOf(error, reset));
      return;
    }
    // After a complete answer it only says that the rest of the request is not wanted, RFC 9113 section 8.1.
    if (attempt.failed || this.#answered || this.#download.over) return;
    const error = resetError(reset, this.#download.begun);
    attempt.blame(error, reset, this.#upstream?.session);
    if (!this.#download.begun) {
      this.#broken ??= error;
      return;
    }
    this.#download.cut(error, reset.code);
    this.#upload.stop();
  }

  #fail(attempt: Attempt, error: GatewayError, ending: Ending): void {
    if (!attempt.pending) return;
    this.#upstream = undefined;
    this.#upload.hold();
    attempt.fail({ error, ending });
  }

  #timeIsOver(attempt: Attempt, { ms, mayGiveUp }: PerTryTimeout): void {
    if (!attempt.pending || !this.replayable || !mayGiveUp()) return;
    this.#upstream?.reset(ResetCode.CANCEL);
    const error = new GatewayError('UPSTREAM_TIMEOUT', { detail: `per_try_timeout_ms ${ms}` });
    attempt.blame(error);
    this.#fail(attempt, error, 'timeout');
  }

  #nothingMoves(): void {
    const detail = `idle ${this.#exchange.idleMs} ms`;
    if (!this.#download.over) this.#exchange.abort(new GatewayError('DEADLINE_EXCEEDED', { detail }));
  }

  /** The exchange was given up: by a deadline, a limit, the client, or the end of the process. */
  #giveUp(error: GatewayError): void {
    if (this.#download.over) return;
    this.#upstream?.reset(ResetCode.CANCEL);
    if (this.#attempt?.pending === true) {
      this.#fail(this.#attempt, error, 'other');
    } else if (this.#download.begun) {
      this.#download.cut(error, ResetCode.CANCEL);
      this.#upload.stop();
    } else {
      this.#broken ??= error;
    }
  }

  /** Nothing more goes down; if the request is still coming up, nobody wants the rest. */
  #done(): void {
    this.#upload.stop();
    // Not NO_ERROR: servers on Node would take it for the end of the request (nodejs/node#35209).
    if (!this.#upload.ended) this.#upstream?.reset(ResetCode.CANCEL);
  }
}
