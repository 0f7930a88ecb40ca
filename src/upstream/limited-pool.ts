/**
 * The limits of one endpoint before its pool: how many streams may be open, and how many requests may wait for room or
 * for a session. Whoever came first is served first; beyond that the answer is no at once, and not after a timeout.
 */

import { type Clock, systemClock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { UpstreamStream } from '../core/raw.ts';
import type { OpenRequest, PoolObserver, PoolSettings, UpstreamPool } from './pool.ts';

type Limits = Pick<PoolSettings, 'maxStreams' | 'maxPending' | 'pendingTimeoutMs'>;

/** A request that waits for room. */
interface Waiting {
  readonly request: OpenRequest;
  readonly resolve: (stream: Promise<UpstreamStream>) => void;
  readonly reject: (error: GatewayError) => void;
  readonly cancelTimeout: () => void;
}

/** A pool with a door before it. */
export class LimitedPool implements UpstreamPool {
  readonly #pool: UpstreamPool;
  readonly #limits: Limits;
  readonly #where: string;
  readonly #clock: Clock;
  readonly #queue: Waiting[] = [];
  /** Requests that are inside and have no stream yet. */
  #opening = 0;

  /** `make` makes the pool behind it; `where` is the endpoint, for errors. */
  constructor(
    make: (observer: PoolObserver) => UpstreamPool,
    limits: Limits,
    observer: PoolObserver,
    where: string,
    clock: Clock = systemClock,
  ) {
    this.#limits = limits;
    this.#where = where;
    this.#clock = clock;
    this.#pool = make({
      sessionOpened: (session) => observer.sessionOpened(session),
      sessionClosed: (session, reason) => observer.sessionClosed(session, reason),
      streamClosed: () => this.#next(),
    });
  }

  open(request: OpenRequest): Promise<UpstreamStream> {
    const { maxPending, pendingTimeoutMs } = this.#limits;
    if (this.pending >= maxPending) {
      this.#forgetUnwanted();
      if (this.pending >= maxPending && maxPending > 0) return this.#refuse(`max_pending ${maxPending}`);
    }
    if (this.#queue.length === 0 && this.#room) return this.#enter(request);
    if (maxPending === 0) return this.#refuse(`max_streams ${this.#limits.maxStreams}`);
    const { promise, resolve, reject } = Promise.withResolvers<UpstreamStream>();
    const waiting: Waiting = {
      request,
      resolve,
      reject,
      cancelTimeout: this.#clock.after(pendingTimeoutMs, () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(this.#busy(`no room within ${pendingTimeoutMs} ms`));
      }),
    };
    this.#queue.push(waiting);
    return promise;
  }

  /** All streams that may be open are, so that a request would wait. */
  get full(): boolean {
    return !this.#room || this.pending >= Math.max(1, this.#limits.maxPending);
  }

  /** Requests that wait for room or for a session. */
  get pending(): number {
    return this.#queue.length + this.#opening;
  }

  get sessions(): number {
    return this.#pool.sessions;
  }

  get streams(): number {
    return this.#pool.streams;
  }

  drain(): void {
    this.#pool.drain();
  }

  destroy(): void {
    for (const { reject, cancelTimeout } of this.#queue.splice(0)) {
      cancelTimeout();
      reject(new GatewayError('CONNECT_FAILED', { detail: `${this.#where}: closed` }));
    }
    this.#pool.destroy();
  }

  get #room(): boolean {
    const { maxStreams } = this.#limits;
    return maxStreams === 0 || this.#pool.streams + this.#opening < maxStreams;
  }

  async #enter(request: OpenRequest): Promise<UpstreamStream> {
    this.#opening += 1;
    try {
      return await this.#pool.open(request);
    } finally {
      this.#opening -= 1;
      // It failed, or was counted twice for a moment.
      this.#next();
    }
  }

  /** There may be room: lets in who came first. */
  #next(): void {
    while (this.#queue.length > 0 && this.#room) {
      const { request, resolve, reject, cancelTimeout } = this.#queue.shift()!;
      cancelTimeout();
      if (request.wanted()) resolve(this.#enter(request));
      else reject(new GatewayError('CLIENT_LEFT'));
    }
  }

  /** Nobody waits for these any more. */
  #forgetUnwanted(): void {
    for (const waiting of this.#queue.filter(({ request }) => !request.wanted())) {
      this.#queue.splice(this.#queue.indexOf(waiting), 1);
      waiting.cancelTimeout();
      waiting.reject(new GatewayError('CLIENT_LEFT'));
    }
  }

  #refuse(detail: string): Promise<never> {
    return Promise.reject(this.#busy(detail));
  }

  #busy(detail: string): GatewayError {
    return new GatewayError('UPSTREAM_BUSY', { detail: `${this.#where}: ${detail}` });
  }
}
