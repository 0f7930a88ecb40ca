/** Active health: asks each endpoint of an upstream again and again whether it is ready. */

import type { Clock } from '../../core/clock.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Check, CheckResult } from './check.ts';
import type { CheckSettings } from './settings.ts';

/** Replicas and workers that began together do not ask together. */
const JITTER = 0.1;
/** What is worth looking at soon is looked at after this share of the interval. */
const SOON = 1 / 4;
const MIN_SOON_MS = 100;

/** What a checker needs of the upstream around it. */
export interface CheckerContext {
  readonly clock: Clock;
  readonly random: () => number;
  /** All that is known to be in a bad state should be looked at soon: there is nothing else to use. */
  urgent(): boolean;
  /** A check is over. `timedOut`: there was no answer in time. */
  onChecked(endpoint: Endpoint, result: CheckResult, timedOut: boolean): void;
  /** `endpoint.standing.checked` has another value than before. */
  onChanged(endpoint: Endpoint): void;
}

/** What is done about one endpoint. */
interface Watch {
  /** Results in a row that contradict what is believed of the endpoint. */
  against: number;
  /** When the last check began, monotonic. */
  began: number;
  /** When the next one will. */
  due: number;
  cancelTimer: (() => void) | undefined;
  running: AbortController | undefined;
  readonly first: PromiseWithResolvers<void>;
}

/** The checks of one upstream. Begins with `start`; endpoints that come later are checked at once. */
export class HealthChecker {
  readonly #settings: CheckSettings;
  readonly #check: Check;
  readonly #context: CheckerContext;
  readonly #watches = new Map<Endpoint, Watch>();
  #started = false;

  constructor(settings: CheckSettings, check: Check, context: CheckerContext) {
    this.#settings = settings;
    this.#check = check;
    this.#context = context;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const [endpoint, watch] of this.#watches) this.#run(endpoint, watch);
  }

  /** Resolves when each endpoint that is watched now was checked once, or is gone. */
  get firstChecks(): Promise<void> {
    return Promise.all([...this.#watches.values()].map(({ first }) => first.promise)).then(() => {});
  }

  watch(endpoint: Endpoint): void {
    const watch: Watch = {
      against: 0,
      began: Number.NEGATIVE_INFINITY,
      due: Number.POSITIVE_INFINITY,
      cancelTimer: undefined,
      running: undefined,
      first: Promise.withResolvers<void>(),
    };
    this.#watches.set(endpoint, watch);
    if (this.#started) this.#run(endpoint, watch);
  }

  forget(endpoint: Endpoint): void {
    const watch = this.#watches.get(endpoint);
    if (watch === undefined) return;
    this.#watches.delete(endpoint);
    watch.cancelTimer?.();
    watch.running?.abort();
    watch.first.resolve();
  }

  stop(): void {
    for (const endpoint of [...this.#watches.keys()]) this.forget(endpoint);
  }

  /** A client's request has just shown that something is wrong: the next check comes soon. */
  hurry(endpoint: Endpoint): void {
    const watch = this.#watches.get(endpoint);
    if (watch === undefined || !this.#started || watch.running !== undefined) return;
    const at = Math.max(this.#context.clock.now(), watch.began + this.#soonMs());
    if (at < watch.due) this.#schedule(endpoint, watch, at - this.#context.clock.now());
  }

  #soonMs(): number {
    const { intervalMs } = this.#settings;
    return Math.min(intervalMs, Math.max(MIN_SOON_MS, intervalMs * SOON));
  }

  #schedule(endpoint: Endpoint, watch: Watch, ms: number): void {
    watch.cancelTimer?.();
    watch.due = this.#context.clock.now() + ms;
    watch.cancelTimer = this.#context.clock.after(ms, () => this.#run(endpoint, watch));
  }

  #run(endpoint: Endpoint, watch: Watch): void {
    const { clock } = this.#context;
    const { timeoutMs } = this.#settings;
    const controller = new AbortController();
    watch.running = controller;
    watch.cancelTimer = undefined;
    watch.began = clock.now();
    let over = false;
    const done = (result: CheckResult, timedOut: boolean): void => {
      if (over) return;
      over = true;
      cancelTimeout();
      if (this.#watches.get(endpoint) !== watch) return;
      watch.running = undefined;
      this.#judge(endpoint, watch, result, timedOut);
    };
    const cancelTimeout = clock.after(timeoutMs, () => {
      done({ ready: false, reachable: false, found: `no answer within ${timeoutMs} ms` }, true);
      controller.abort();
    });
    void this.#check(endpoint.name, controller.signal).then((result) => done(result, false));
  }

  #judge(endpoint: Endpoint, watch: Watch, result: CheckResult, timedOut: boolean): void {
    const { healthyAfter, unhealthyAfter, intervalMs } = this.#settings;
    const { clock, random, onChecked, onChanged, urgent } = this.#context;
    const { standing } = endpoint;
    const before = standing.checked;
    if (!result.ready) standing.reason = result.found;
    onChecked(endpoint, result, timedOut);
    if (result.ready === (before === 'healthy')) watch.against = 0;
    else watch.against += 1;
    // The first check counts at once, whatever it says.
    const needed = before === 'unknown' ? 0 : result.ready ? healthyAfter : unhealthyAfter;
    const after = result.ready ? 'healthy' : 'unhealthy';
    if (after !== before && watch.against >= needed) {
      watch.against = 0;
      standing.checked = after;
      standing.since = clock.wall();
      if (before === 'unhealthy') {
        // What clients saw of it was another process, or one in another state.
        standing.endEjection(clock.now(), clock.wall());
        standing.probation = false;
      }
      onChanged(endpoint);
    }
    watch.first.resolve();
    const soon = watch.against > 0 || (standing.checked === 'unhealthy' && urgent());
    const ms = (soon ? this.#soonMs() : intervalMs) * (1 - JITTER + 2 * JITTER * random());
    this.#schedule(endpoint, watch, ms);
  }
}
