/** A named group of endpoints. */

import { type Clock, systemClock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Events } from '../core/events.ts';
import type { Balancer, BalancerQuestion } from './balancers/balancer.ts';
import { type HashSource, hashSource } from './balancers/hash-source.ts';
import { BALANCERS, type BalancerName } from './balancers/index.ts';
import { Departed } from './departed.ts';
import { Endpoint, type EndpointOptions } from './endpoint.ts';
import { HealthChecker } from './health/checker.ts';
import { makeCheck } from './health/checks.ts';
import { Ejections } from './health/ejections.ts';
import { type HealthSettings, NO_HEALTH } from './health/settings.ts';
import type { PoolSettings } from './pool.ts';
import { Roster } from './roster.ts';

/** An endpoint as the config or a discovery names it. */
export interface EndpointSpec {
  /** `host:port`; IPv6 in brackets. */
  readonly address: string;
  /** Its share beside the others. */
  readonly weight: number;
}

/** What decides about an endpoint beside what is known of it. */
export interface PickQuestion extends BalancerQuestion {
  /** Not these, as long as there is another. */
  readonly tried?: readonly Endpoint[];
}

/** What the config says of an upstream. */
export interface UpstreamOptions {
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly balancer: BalancerName;
  /** What `ring_hash` hashes: `client`, `header:NAME` or `cookie:NAME`. */
  readonly hash?: string | undefined;
  /** How long a new endpoint gets less than its share, in milliseconds; none where it is not given. */
  readonly slowStartMs?: number;
  /** No checks and no ejections where it is not given. */
  readonly health?: HealthSettings;
  readonly pool: PoolSettings;
}

/** One upstream of the config. */
export class Upstream {
  readonly name: string;
  readonly protocol: PoolSettings['protocol'];
  readonly balancer: BalancerName;
  readonly #roster: Roster;
  readonly #balancer: Balancer;
  readonly #hashSource: HashSource | undefined;
  readonly #checker: HealthChecker | undefined;
  readonly #endpointOptions: EndpointOptions;
  readonly #departed: Departed;
  /** Pending while the first endpoints are looked for, which takes a bounded time; undefined when that is over. */
  awaited: Promise<void> | undefined;

  constructor(options: UpstreamOptions, events: Events, clock: Clock = systemClock, random = Math.random) {
    const { name, balancer, pool, health = NO_HEALTH, slowStartMs = 0 } = options;
    this.name = name;
    this.protocol = pool.protocol;
    this.balancer = balancer;
    this.#departed = new Departed(clock);
    this.#balancer = BALANCERS[balancer]({ now: () => clock.now(), random, slowStartMs });
    this.#hashSource = options.hash === undefined ? undefined : hashSource(options.hash);
    const roster = new Roster(clock, health.panicThresholdPercent, {
      onReturned: (endpoint) => this.#tellHealth(endpoint, 'returned', events),
      onPanic: (on, usable, total) => events.emit('panic', { upstream: name, on, usable, total }),
    });
    this.#roster = roster;
    const ejections = new Ejections(health.passive, {
      clock,
      random,
      all: () => roster.all,
      usable: () => roster.usable,
      onEjected: (endpoint, reason, detail, ms) => {
        events.emit('endpoint_ejected', { upstream: name, endpoint: endpoint.name, reason, detail, ms });
        roster.changed();
      },
    });
    const check = makeCheck(health.check, pool);
    this.#checker =
      check &&
      new HealthChecker(health.check, check, {
        clock,
        random,
        urgent: () => roster.panic,
        onChecked: (endpoint, { reachable, ready, found }, timedOut) => {
          endpoint.reachable = reachable;
          const result = ready ? 'passed' : timedOut ? 'timeout' : 'failed';
          events.emit('endpoint_checked', { upstream: name, endpoint: endpoint.name, result, found });
        },
        onChanged: (endpoint) => {
          this.#tellHealth(endpoint, endpoint.standing.checked === 'healthy' ? 'healthy' : 'unhealthy', events);
          roster.changed();
        },
      });
    this.#endpointOptions = {
      upstream: name,
      pool,
      clock,
      events,
      observer: {
        onOutcome: (endpoint, outcome) => ejections.heard(endpoint, outcome),
        onFailure: (endpoint) => this.#checker?.hurry(endpoint),
      },
    };
    this.update(options.endpoints.map((address) => ({ address, weight: 1 })));
  }

  /** The scheme of requests to it, as `:scheme` says it. */
  get scheme(): 'http' | 'https' {
    return this.protocol === 'h2c' || this.protocol === 'http/1.1' ? 'http' : 'https';
  }

  /** Those there are now; the list is replaced, never changed. */
  get endpoints(): readonly Endpoint[] {
    return this.#roster.all;
  }

  /** Those of them that requests go to. */
  get usable(): readonly Endpoint[] {
    return this.#roster.usable;
  }

  /** Too few endpoints are in good health, so that all are used. */
  get panic(): boolean {
    return this.#roster.panic;
  }

  /** Traffic comes from now on: checks begin, if they have not yet. */
  start(): void {
    this.#checker?.start();
  }

  /** Resolves when every endpoint was checked once; at once where none are. */
  get firstChecks(): Promise<void> {
    return this.#checker?.firstChecks ?? Promise.resolve();
  }

  /** What `ring_hash` goes by in this request; undefined where the balancer does not ask. */
  hashOf(exchange: Parameters<HashSource>[0]): string | undefined {
    return this.#hashSource?.(exchange);
  }

  /**
   * Other endpoints from now on. Those that stay keep their sessions and what is known of them; those that go drain, and
   * are who they were when they are back within a minute.
   */
  update(specs: readonly EndpointSpec[]): void {
    const before = new Map(this.#roster.all.map((endpoint) => [endpoint.name, endpoint]));
    const come: Endpoint[] = [];
    const next = specs.map((spec) => {
      const known = before.get(spec.address);
      if (known !== undefined) {
        before.delete(spec.address);
        known.weight = spec.weight;
        return known;
      }
      const made = this.#departed.comeBack(spec.address) ?? new Endpoint(spec, this.#endpointOptions);
      made.weight = spec.weight;
      come.push(made);
      return made;
    });
    this.#roster.all = next;
    for (const gone of before.values()) {
      this.#checker?.forget(gone);
      this.#departed.add(gone);
    }
    for (const endpoint of come) this.#checker?.watch(endpoint);
  }

  /** The endpoint for the next attempt; another one than those tried, where there is one. */
  pick(question: PickQuestion = {}): Endpoint {
    const { tried = [] } = question;
    const usable = this.#roster.usable;
    if (usable.length === 0) throw new GatewayError('NO_ENDPOINT', { detail: `upstream ${this.name}` });
    if (tried.length === 0) return this.#balancer.pick(usable, question);
    const left = (endpoints: readonly Endpoint[]): Endpoint[] => endpoints.filter((one) => !tried.includes(one));
    let others = left(usable);
    // One that was ejected is better than the one that has just failed; one that fails its checks is not.
    if (others.length === 0) others = left(this.endpoints).filter(({ standing }) => standing.checked !== 'unhealthy');
    return this.#balancer.pick(others.length > 0 ? others : usable, question);
  }

  /** No checks any more; sessions close when their last stream is done. */
  drain(): void {
    this.#checker?.stop();
    for (const endpoint of this.endpoints) endpoint.drain();
  }

  destroy(): void {
    this.#checker?.stop();
    for (const endpoint of this.endpoints) endpoint.destroy();
    this.#departed.destroy();
  }

  #tellHealth(endpoint: Endpoint, state: 'healthy' | 'unhealthy' | 'returned', events: Events): void {
    // It stays for /upstreams when it is over, and is told with the change that it was the reason of.
    const reason = state === 'unhealthy' ? endpoint.standing.reason : undefined;
    events.emit('endpoint_health', { upstream: this.name, endpoint: endpoint.name, state, reason });
  }
}
