/** The way to an upstream for the requests of one route: each needs a place, and its answer says how the upstream does. */

import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Events } from '../core/events.ts';
import type { Exchange } from '../core/exchange.ts';
import { getField } from '../core/headers.ts';
import type { AdaptiveLimit } from '../limits/overload/adaptive-limit.ts';
import type { Priority, Rank } from '../limits/overload/priority.ts';
import type { UsualLatency } from '../limits/overload/usual-latency.ts';
import type { AnswerHead } from './attempt.ts';
import { saysTimeout } from './caller-timeout.ts';

/** What a gate is made with: the limit of its upstream, and what its route says of its requests. */
export interface UpstreamGateOptions {
  readonly limit: AdaptiveLimit;
  readonly upstream: string;
  readonly class: string;
  readonly priority: Priority;
  readonly rank: Rank;
  readonly usual: UsualLatency;
  /** False: is only counted and told. */
  readonly enforced: boolean;
  readonly retryAfterS: number;
  readonly clock: Clock;
  readonly events: Events;
}

/** What the log calls it in exchanges that would have been refused. */
const NAME = 'adaptive_concurrency';
/** The upstream has more than it can do, or is silent: not that it is gone. */
const DROPS: ReadonlySet<string> = new Set(['UPSTREAM_TIMEOUT', 'UPSTREAM_BUSY', 'CONNECT_TIMEOUT']);
/** `grpc-status` UNAVAILABLE. */
const UNAVAILABLE = '14';

/** One upstream as one route sees it. */
export class UpstreamGate {
  readonly #options: UpstreamGateOptions;

  constructor(options: UpstreamGateOptions) {
    this.#options = options;
  }

  /** Takes a place for an exchange until the head of its answer is here; throws OVERLOADED where there is none. */
  enter(exchange: Exchange): UpstreamPlace {
    const { limit, rank, enforced, events, upstream, priority } = this.#options;
    if (!limit.admits(rank)) {
      events.emit('overloaded', { by: 'upstream', where: upstream, class: this.#options.class, priority, enforced });
      if (enforced) {
        throw new GatewayError('OVERLOADED', {
          detail: `upstream ${upstream}`,
          retryAfterS: this.#options.retryAfterS,
        });
      }
      exchange.record.reported.push(NAME);
    }
    return new UpstreamPlace(this.#options, exchange);
  }
}

/** The place of one exchange. A stream has none any more once its head is here. */
export class UpstreamPlace {
  readonly #options: UpstreamGateOptions;
  readonly #exchange: Exchange;
  /** When all of the request was here; undefined while it is still being sent. */
  #sentAt: number | undefined;
  #over = false;

  constructor(options: UpstreamGateOptions, exchange: Exchange) {
    const { limit, rank, clock } = options;
    this.#options = options;
    this.#exchange = exchange;
    const whole = exchange.downstream.ended;
    if (whole) this.#sentAt = clock.now();
    else {
      const { inspectBody } = exchange;
      exchange.inspectBody = (chunk, ended) => {
        inspectBody?.(chunk, ended);
        if (ended) this.#sent();
      };
    }
    limit.enter(rank, whole);
  }

  /** The head of an answer is here. */
  answered({ status, fields }: AnswerHead): void {
    const sentAt = this.#leave();
    const { limit, usual, clock } = this.#options;
    if (status === 503 || getField(fields, 'grpc-status') === UNAVAILABLE) limit.dropped();
    // A refusal before the body was read says nothing of how long work takes.
    else if (sentAt !== undefined) limit.answered(usual, clock.now() - this.#since(sentAt));
  }

  /** There is no answer. */
  failed(thrown: unknown): void {
    const sentAt = this.#leave();
    const { limit, usual, clock } = this.#options;
    const { code } = GatewayError.from(thrown);
    if (DROPS.has(code)) {
      limit.dropped();
      return;
    }
    // Whoever sends slowly meets a deadline that says nothing of the upstream.
    if (sentAt === undefined || (code !== 'DEADLINE_EXCEEDED' && code !== 'CLIENT_LEFT')) return;
    if (code === 'DEADLINE_EXCEEDED' && !saysTimeout(this.#exchange.head)) limit.dropped();
    // How long a caller waits is its own affair, but for so long there was no answer.
    else limit.gaveUp(usual, clock.now() - this.#since(sentAt));
  }

  /** What the client took to send is not the upstream's time, nor are attempts before the last one. */
  #since(sentAt: number): number {
    return Math.max(sentAt, this.#exchange.record.upstreamStarted ?? sentAt);
  }

  #sent(): void {
    if (this.#over || this.#sentAt !== undefined) return;
    this.#sentAt = this.#options.clock.now();
    this.#options.limit.sent();
  }

  #leave(): number | undefined {
    this.#over = true;
    this.#options.limit.leave(this.#options.rank, this.#sentAt !== undefined);
    return this.#sentAt;
  }
}
