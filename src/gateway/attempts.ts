/** The attempts of an exchange: another endpoint each time, until there is the head of an answer to be content with. */

import type { Clock } from '../core/clock.ts';
import type { GatewayError } from '../core/errors.ts';
import type { Events } from '../core/events.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { OpenRequest } from '../upstream/pool.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { AnswerHead, PerTryTimeout } from './attempt.ts';
import { shortenTimeout } from './caller-timeout.ts';
import type { Relay } from './relay.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { RetryReason, RetryRules } from './retry-rules.ts';

/** What all exchanges of a route have in common for their attempts. */
export interface AttemptsOptions {
  readonly upstream: Upstream;
  readonly rules: RetryRules;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly events: Events;
}

/** Which endpoint is asked first, and which only where there is no other. */
export interface EndpointWish {
  readonly prefer?: string | undefined;
  readonly avoid?: readonly string[];
}

/** An attempt with nothing to be content with. */
interface Unanswered {
  readonly reason: RetryReason;
  readonly code: string;
  /** The answer that is not wanted; undefined where there is none. */
  readonly head?: AnswerHead;
}

const NONE: readonly Endpoint[] = [];

/** The attempts of one exchange. */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #relay: Relay;
  readonly #exchange: Exchange;
  readonly #tried: Endpoint[] = [];
  readonly #avoided: readonly Endpoint[] = NONE;
  readonly #idempotent: boolean;
  #next: Endpoint | undefined;

  constructor(options: AttemptsOptions, relay: Relay, exchange: Exchange, wish: EndpointWish | undefined) {
    this.#options = options;
    this.#relay = relay;
    this.#exchange = exchange;
    this.#idempotent = options.rules.idempotent(exchange);
    // Hardly any request has a wish.
    if (wish === undefined) return;
    const { endpoints, usable } = options.upstream;
    const { avoid, prefer } = wish;
    if (avoid !== undefined) this.#avoided = endpoints.filter(({ name }) => avoid.includes(name));
    this.#next = usable.find(({ name }) => name === prefer && !avoid?.includes(name));
  }

  /** Resolves with the head of an answer; throws the last failure. */
  async answer(request: Omit<OpenRequest, 'receiver' | 'wanted'>): Promise<AnswerHead> {
    const { budget } = this.#options;
    budget.begin();
    try {
      for (;;) {
        const outcome = await this.#attempt(request);
        if ('error' in outcome) {
          const { error, ending } = outcome;
          if (this.#exchange.aborted !== undefined || error.row.source !== 'upstream') throw error;
          if (!(await this.#again(ending === 'other' ? undefined : { reason: ending, code: error.code }, error))) {
            throw error;
          }
        } else {
          const reason = this.#idempotent ? this.#options.rules.discontent(this.#exchange, outcome) : undefined;
          if (reason === undefined) return outcome;
          const code = reason === 'status' ? `status ${outcome.status}` : 'grpc-status';
          if (!(await this.#again({ reason, code, head: outcome }, undefined))) return outcome;
        }
      }
    } finally {
      budget.over();
    }
  }

  #attempt(request: Omit<OpenRequest, 'receiver' | 'wanted'>): ReturnType<Relay['attempt']> {
    const { rules, clock } = this.#options;
    const { record } = this.#exchange;
    const endpoint = this.#next ?? this.#pick();
    this.#next = undefined;
    this.#tried.push(endpoint);
    record.endpoint = endpoint.name;
    record.attempts = this.#tried.length;
    record.upstreamStarted = clock.now();
    if (!this.#mayFollow) this.#relay.isLast();
    shortenTimeout(request.fields, this.#exchange, clock.now());
    const { perTryTimeoutMs: ms } = rules;
    const timeout: PerTryTimeout | undefined =
      ms > 0 && this.#idempotent && this.#mayFollow ? { ms, mayGiveUp: () => this.#takeOne() } : undefined;
    return this.#relay.attempt(endpoint, request, timeout);
  }

  /** Another attempt may follow the one that is made now. */
  get #mayFollow(): boolean {
    return this.#tried.length < this.#options.rules.attempts;
  }

  /** Whether there is another attempt after this one; waits until it is time for it. */
  async #again(unanswered: Unanswered | undefined, error: GatewayError | undefined): Promise<boolean> {
    const waitMs = unanswered === undefined ? undefined : this.#permitted(unanswered);
    const { upstream, events } = this.#options;
    const code = error?.code ?? unanswered!.code;
    const again = waitMs !== undefined;
    // An answer that is taken after all did not fail.
    if (again || error !== undefined) {
      const endpoint = this.#tried.at(-1)!.name;
      events.emit('attempt_failed', { upstream: upstream.name, endpoint, code, replayed: again });
    }
    if (!again) return false;
    events.emit('retried', { upstream: upstream.name, reason: unanswered!.reason });
    if (unanswered!.head !== undefined) this.#relay.discard();
    if (waitMs > 0) {
      await this.#wait(waitMs);
      this.#next = undefined;
    }
    return true;
  }

  /** How long to wait before the next attempt, in milliseconds; undefined where there must be none. */
  #permitted({ reason, head }: Unanswered): number | undefined {
    const { rules, clock } = this.#options;
    if (!this.#mayFollow || !this.#relay.replayable) return undefined;
    if (reason === 'connection_lost' && !this.#idempotent) return undefined;
    const pushbackMs = head === undefined ? undefined : rules.pushbackMs(head.fields);
    if (pushbackMs === 'never') return undefined;
    this.#next = this.#pick();
    const same = this.#tried.includes(this.#next);
    // The same endpoint has just said so.
    if (same && (reason === 'unsent' || head !== undefined)) return undefined;
    const waitMs = pushbackMs ?? (same ? rules.backoffMs(this.#tried.length) : 0);
    const { deadlineAt } = this.#exchange;
    if (deadlineAt !== undefined && clock.now() + waitMs >= deadlineAt) return undefined;
    return this.#paid(reason) ? waitMs : undefined;
  }

  /** What was never sent cost nobody anything; a timeout was paid for when it was decided. */
  #paid(reason: RetryReason): boolean {
    return reason === 'unsent' || reason === 'timeout' || this.#takeOne();
  }

  #takeOne(): boolean {
    const { budget, events, upstream } = this.#options;
    const taken = budget.take();
    if (!taken) events.emit('retry_denied', { upstream: upstream.name });
    return taken;
  }

  /** Another endpoint than those tried, where there is one, and one with room. */
  #pick(): Endpoint {
    const { upstream } = this.#options;
    const tried = [...this.#avoided, ...this.#tried];
    const hash = upstream.hashOf(this.#exchange);
    const first = upstream.pick({ tried, hash });
    if (!first.full) return first;
    const other = upstream.pick({ tried: [...tried, first], hash });
    return other.full || this.#tried.includes(other) ? first : other;
  }

  #wait(ms: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(ms, resolve);
    this.#exchange.onAbort((error) => {
      cancel();
      reject(error);
    });
    return promise;
  }
}
