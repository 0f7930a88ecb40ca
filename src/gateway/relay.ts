/**
 * Relays one exchange between two message streams: the request up, the answer down, at the pace of the slower side.
 * Nothing is buffered but what a replay may need, no trailer is lost, and an abort is never turned into an end.
 */

import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Answer, Exchange } from '../core/exchange.ts';
import { answerFields } from '../core/headers.ts';
import {
  type DownstreamStream,
  type Fields,
  type Receiver,
  type Reset,
  ResetCode,
  type UpstreamStream,
} from '../core/raw.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { countsAgainst, resetError } from '../upstream/node-error.ts';
import type { OpenRequest } from '../upstream/pool.ts';
import { Download } from './download.ts';
import type { PaceLimits } from './pace.ts';
import { Upload } from './upload.ts';

export interface RelayLimits {
  /** How long a request body may make no progress; 0 for no limit. */
  readonly bodyIdleMs: number;
  /** How long a client may take no data while some waits for it. */
  readonly writeIdleMs: number;
  /** How slow a request body and a reader may be; no minimum where it is not given. */
  readonly bodyPace?: PaceLimits | undefined;
  readonly writePace?: PaceLimits | undefined;
}

/** The head of an upstream's answer. */
export interface AnswerHead {
  readonly status: number;
  readonly fields: Fields;
  readonly ended: boolean;
}

/** What may be done after an attempt that had no answer; in any case only while the body is all here. */
export type Replay =
  /** It may have been processed, or the exchange is given up. */
  | 'never'
  /** It was certainly not processed, or it is safe: on any session. */
  | 'anywhere'
  /** There was no session: another endpoint may have one; the same one was asked just now. */
  | 'elsewhere';

/** An attempt that failed before an answer. */
export interface AttemptFailure {
  readonly error: GatewayError;
  readonly replay: Replay;
}

/** One attempt on its way: until it is settled it can be given up. */
interface Attempt {
  readonly endpoint: Endpoint;
  settle: ((outcome: AnswerHead | AttemptFailure) => void) | undefined;
  failed: boolean;
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

  constructor(exchange: Exchange, clock: Clock, limits: RelayLimits) {
    this.#exchange = exchange;
    this.#downstream = exchange.downstream;
    this.#clock = clock;
    this.#upload = new Upload(exchange, clock, limits.bodyIdleMs, limits.bodyPace);
    this.#download = new Download(exchange, clock, limits.writeIdleMs, limits.writePace);
    this.#downstream.receiver = this.#fromClient();
    exchange.onAbort((error) => this.#giveUp(error));
  }

  /** Sends the request to an endpoint; resolves with the head of an answer, or with why there is none. */
  attempt(endpoint: Endpoint, request: Omit<OpenRequest, 'receiver' | 'wanted'>): Promise<AnswerHead | AttemptFailure> {
    const { aborted } = this.#exchange;
    if (aborted !== undefined) return Promise.resolve({ error: aborted, replay: 'never' });
    const { promise, resolve } = Promise.withResolvers<AnswerHead | AttemptFailure>();
    const attempt: Attempt = { endpoint, settle: resolve, failed: false };
    this.#attempt = attempt;
    endpoint.open({ ...request, wanted: () => !attempt.failed, receiver: this.#fromUpstream(attempt) }).then(
      (stream) => {
        if (attempt.failed) stream.reset(ResetCode.CANCEL);
        else this.#begin(stream);
      },
      (thrown) => {
        const error = GatewayError.from(thrown);
        this.#fail(
          attempt,
          error,
          error.row.countsAgainstHealth,
          error.row.source === 'upstream' ? 'elsewhere' : 'never',
        );
      },
    );
    return promise;
  }

  /** Sends the answer's head and lets its body flow; throws, with nothing sent, where that cannot be done any more. */
  deliver(answer: Answer): void {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      this.#download.begin(answer);
    } catch (cause) {
      // A field twice that Node lets out once, for one.
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new GatewayError('UPSTREAM_PROTOCOL', { detail, cause });
    }
    this.#upload.forget();
    if (answer.ended) this.#done();
    else this.#upstream!.resume();
  }

  /** The answer is not wanted. */
  abandon(): void {
    this.#upload.stop();
    this.#upstream?.reset(ResetCode.CANCEL);
  }

  #begin(upstream: UpstreamStream): void {
    this.#upstream = upstream;
    this.#upload.begin(upstream);
  }

  #fromClient(): Receiver {
    const { record } = this.#exchange;
    return {
      onData: (chunk) => this.#upload.take(chunk),
      onEnd: (trailers) => this.#upload.end(trailers),
      onReset: () => {
        if (this.#download.over) return; // it has its answer
        record.error ??= new GatewayError('CLIENT_LEFT');
        this.#exchange.abort(record.error);
      },
      onDrain: () => {
        this.#download.drained();
        this.#upstream?.resume();
      },
      onClose: () => {
        this.#download.close();
        this.#upload.stop();
      },
    };
  }

  #fromUpstream(attempt: Attempt): Receiver {
    return {
      onInterim: (status, fields) => {
        // 100 was the gateway's to send; 101 is for Upgrade, which is not sent on.
        if (status > 101 && status < 200 && !attempt.failed) this.#downstream.inform(status, answerFields(fields));
      },
      onHead: (fields, ended) => {
        const status = Number(fields[1]);
        if (!(status >= 200 && status <= 599)) {
          const error = new GatewayError('UPSTREAM_PROTOCOL', { detail: `status ${fields[1]}` });
          this.#upstream?.reset(ResetCode.PROTOCOL_ERROR);
          this.#fail(attempt, error, false, 'never');
          return;
        }
        this.#answered = ended;
        attempt.endpoint.answered();
        const { settle } = attempt;
        attempt.settle = undefined;
        settle?.({ status, fields, ended });
      },
      onData: (chunk) => {
        if (!this.#download.over && !this.#download.write(chunk)) this.#upstream!.pause();
      },
      onEnd: (trailers) => {
        this.#answered = true;
        if (this.#download.over) return;
        this.#download.end(trailers);
        this.#done();
      },
      onReset: (reset) => this.#upstreamReset(attempt, reset),
      onDrain: () => this.#upload.drained(),
      onClose: () => {},
    };
  }

  #upstreamReset(attempt: Attempt, reset: Reset): void {
    if (attempt.settle !== undefined) {
      const error = resetError(reset, false);
      this.#fail(
        attempt,
        error,
        error.row.countsAgainstHealth && countsAgainst(reset),
        this.#replayAfter(error, reset),
      );
      return;
    }
    // After a complete answer it only says that the rest of the request is not wanted, RFC 9113 section 8.1.
    if (attempt.failed || this.#answered || this.#download.over) return;
    const error = resetError(reset, this.#download.begun);
    attempt.endpoint.failed(error, error.row.countsAgainstHealth && countsAgainst(reset), this.#clock.wall());
    if (!this.#download.begun) {
      this.#broken ??= error;
      return;
    }
    this.#download.cut(error, reset.code);
    this.#upload.stop();
  }

  /** Certainly unprocessed, or safe (RFC 9110 section 9.2.1) and lost with its connection. */
  #replayAfter(error: GatewayError, reset: Reset): Replay {
    if (error.code === 'UPSTREAM_PROTOCOL') return 'never';
    const { method } = this.#exchange.head;
    const safe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
    return reset.unprocessed || (safe && reset.by === 'connection') ? 'anywhere' : 'never';
  }

  #fail(attempt: Attempt, error: GatewayError, counts: boolean, replay: Replay): void {
    const { settle } = attempt;
    if (settle === undefined) return;
    attempt.settle = undefined;
    attempt.failed = true;
    if (error.row.source === 'upstream' && error !== this.#exchange.aborted) {
      attempt.endpoint.failed(error, counts, this.#clock.wall());
    }
    this.#upstream = undefined;
    this.#upload.hold();
    if (!this.#upload.replayable || replay === 'never') this.#upload.stop();
    settle({ error, replay: this.#upload.replayable ? replay : 'never' });
  }

  /** The exchange was given up: by a deadline, a limit, the client, or the end of the process. */
  #giveUp(error: GatewayError): void {
    if (this.#download.over) return;
    this.#upstream?.reset(ResetCode.CANCEL);
    if (this.#attempt?.settle !== undefined) {
      this.#fail(this.#attempt, error, false, 'never');
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
