/** One address of an upstream and what is known of it. */

import type { Clock } from '../core/clock.ts';
import type { GatewayError } from '../core/errors.ts';
import type { Events } from '../core/events.ts';
import type { UpstreamStream } from '../core/raw.ts';
import type { Candidate } from './balancers/balancer.ts';
import { Latency } from './health/latency.ts';
import type { Outcome } from './health/outcome.ts';
import { Standing } from './health/standing.ts';
import type { LimitedPool } from './limited-pool.ts';
import type { Address, OpenRequest, PoolSettings } from './pool.ts';
import { makePool } from './pools.ts';

/** Splits `host:port`; IPv6 in brackets. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  if (match === null) throw new Error(`not host:port: ${text}`);
  return { host: match[1] ?? match[2]!, port: Number(match[3]) };
}

/** Who draws conclusions from what happens at an endpoint. */
export interface EndpointObserver {
  /** An answer was judged, or an attempt failed in a way that speaks against the endpoint. */
  onOutcome(endpoint: Endpoint, outcome: Outcome): void;
  /** An attempt failed in a way that speaks against the endpoint. */
  onFailure(endpoint: Endpoint): void;
}

/** What endpoints of an upstream have in common. */
export interface EndpointOptions {
  readonly upstream: string;
  readonly pool: PoolSettings;
  readonly clock: Clock;
  readonly events: Events;
  readonly observer: EndpointObserver;
}

/** One endpoint: an address and the sessions to it. */
export class Endpoint implements Candidate {
  /** `host:port`, as the config spells it. */
  readonly name: string;
  /** Its share beside the others. */
  weight: number;
  readonly #makePool: () => LimitedPool;
  #pool: LimitedPool;
  /** Of the times before it left and came back, as long as they have streams. */
  #drained: readonly LimitedPool[] = [];
  readonly #clock: Clock;
  readonly #observer: EndpointObserver;
  readonly #latency = new Latency();
  /** What checks and ejections have found. */
  readonly standing: Standing;
  /** Requests that wait for a session. */
  #waiting = 0;
  /** The last session whose loss was counted: all its streams are lost at once, which is one failure and not hundreds. */
  #lostSession: number | undefined;
  /** Whether it answered the last time that it was asked for anything; undefined before. */
  reachable: boolean | undefined;
  /** What happened last, for /upstreams. */
  lastError: { code: string; detail: string | undefined; at: number } | undefined;
  /** Attempts in a row that speak against it; what a client can cause is not among them. */
  failures = 0;

  constructor(
    spec: { readonly address: string; readonly weight: number },
    { upstream, pool, clock, events, observer }: EndpointOptions,
  ) {
    const name = spec.address;
    this.name = name;
    this.weight = spec.weight;
    this.#clock = clock;
    this.#observer = observer;
    this.standing = new Standing(clock.now(), clock.wall());
    this.#makePool = () =>
      makePool(
        parseAddress(name),
        pool,
        {
          sessionOpened: (session) => events.emit('session_opened', { upstream, endpoint: name, session }),
          sessionClosed: (session, reason) =>
            events.emit('session_closed', { upstream, endpoint: name, session, reason }),
        },
        clock,
      );
    this.#pool = this.#makePool();
  }

  open(request: OpenRequest): Promise<UpstreamStream> {
    this.#waiting += 1;
    const opened = this.#pool.open(request);
    const over = (): void => {
      this.#waiting -= 1;
    };
    opened.then(over, over);
    return opened;
  }

  /**
   * An attempt here failed; `at` is wall time. `counts`: it speaks against the endpoint. `session`: the one that was lost
   * with it, where it was the connection and not the stream.
   */
  failed(error: GatewayError, counts: boolean, at: number, session?: number): void {
    this.lastError = { code: error.code, detail: error.detail, at };
    if (!counts) return;
    this.failures += 1;
    this.reachable = false;
    this.#observer.onFailure(this);
    if (session !== undefined && session === this.#lostSession) return;
    this.#lostSession = session ?? this.#lostSession;
    this.#observer.onOutcome(this, 'failure');
  }

  /** It sent the head of an answer, after `ms`, which says `outcome`; undefined where the end will say more. */
  answered(outcome?: Outcome, ms?: number): void {
    this.failures = 0;
    this.reachable = true;
    // Who fails does so at once: that must not make it look fast.
    if (ms !== undefined && outcome !== 'failure') this.#latency.observe(ms, this.#clock.now());
    if (outcome !== undefined) this.#observer.onOutcome(this, outcome);
  }

  /** The end of an answer said what the head did not. */
  concluded(outcome: Outcome): void {
    this.#observer.onOutcome(this, outcome);
  }

  /** How long answers take, in milliseconds; undefined before the first one. */
  latencyMs(now: number): number | undefined {
    return this.#latency.at(now);
  }

  get usableSince(): number {
    return this.standing.usableSince;
  }

  /** Requests that were sent and are not over, those too that wait for a session. */
  get inFlight(): number {
    return this.#waiting + this.#pool.streams;
  }

  /** All that it may have open is: another request would wait, or be refused. */
  get full(): boolean {
    return this.#pool.full;
  }

  /** Requests that wait for room or for a session. */
  get pending(): number {
    return this.#pool.pending;
  }

  get sessions(): number {
    return this.#drained.reduce((sum, { sessions }) => sum + sessions, this.#pool.sessions);
  }

  get streams(): number {
    return this.#drained.reduce((sum, { streams }) => sum + streams, this.#pool.streams);
  }

  /** It came back after `drain`: new streams get new sessions, and what is known of it still holds. */
  revive(): void {
    this.#drained = [...this.#drained, this.#pool].filter(({ sessions }) => sessions > 0);
    this.#pool = this.#makePool();
  }

  drain(): void {
    this.#pool.drain();
  }

  destroy(): void {
    for (const pool of [...this.#drained, this.#pool]) pool.destroy();
  }
}
