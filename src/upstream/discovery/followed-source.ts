/** A source that is asked again and again: by TTL with jitter, and sooner after a failure. */

import type { Clock } from '../../core/clock.ts';
import type { EndpointSpec } from '../upstream.ts';
import { type Discovery, type DiscoveryTold, EndpointSet } from './discovery.ts';
import type { Found, Source } from './source.ts';

/** How much earlier than its TTL a name may be asked for again: replicas that began together do not ask together. */
const JITTER = 0.2;
/** The first wait after a failure, in milliseconds; it doubles. */
const FIRST_RETRY_MS = 250;

/** When a source is asked again, and how much it may say. Times in milliseconds. */
export interface FollowOptions {
  /** Bounds of TTLs. */
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  /** Where the source knows no TTL, or only that of a part. */
  readonly intervalMs: number;
  /** Between two failures, at the most. */
  readonly retryMaxMs: number;
  /** How long one look may take. */
  readonly timeoutMs: number;
  readonly maxEndpoints: number;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly told: DiscoveryTold;
}

/** Follows a source. What it cannot say leaves everything as it was. */
export class FollowedSource implements Discovery {
  readonly #source: Source;
  readonly #options: FollowOptions;
  readonly #set: EndpointSet;
  readonly #looked = Promise.withResolvers<void>();
  #started = false;
  #disposed = false;
  #failures = 0;
  #lastLook = 0;
  #due = 0;
  #cancelNext: (() => void) | undefined;
  #abort: AbortController | undefined;

  constructor(source: Source, options: FollowOptions) {
    this.#source = source;
    this.#options = options;
    this.#set = new EndpointSet(options.told);
  }

  get specs(): readonly EndpointSpec[] | undefined {
    return this.#set.specs;
  }

  get looked(): Promise<void> {
    return this.#looked.promise;
  }

  listen(onSpecs: (specs: readonly EndpointSpec[]) => void): () => void {
    return this.#set.listen(onSpecs);
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#look();
  }

  refresh(): void {
    // Nothing waits: it is being looked at now, or not at all.
    if (this.#cancelNext === undefined) return;
    const { clock, minTtlMs } = this.#options;
    const earliest = this.#lastLook + minTtlMs;
    this.#lookIn(Math.max(0, earliest - clock.now()), true);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    this.#abort?.abort();
    this.#looked.resolve();
  }

  /** `sooner`: only where that is before what is planned. */
  #lookIn(ms: number, sooner = false): void {
    const { clock } = this.#options;
    const due = clock.now() + ms;
    if (sooner && due >= this.#due) return;
    this.#due = due;
    this.#cancelNext?.();
    this.#cancelNext = clock.after(ms, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    this.#cancelNext = undefined;
    this.#lastLook = clock.now();
    const abort = new AbortController();
    this.#abort = abort;
    const timeout = Promise.withResolvers<never>();
    const cancelTimeout = clock.after(timeoutMs, () => {
      timeout.reject(new Error(`no answer within ${timeoutMs} ms`));
      abort.abort();
    });
    let waitMs: number;
    try {
      const found = await Promise.race([this.#source.find(abort.signal), timeout.promise]);
      if (this.#disposed) return;
      const { specs, leftOut } = this.#bounded(found.specs);
      this.#set.found(specs, leftOut);
      // A part that was not to be had is as it was before, and asked for again with the rest.
      if (found.problem !== undefined) this.#set.failed(found.problem);
      this.#failures = 0;
      waitMs = this.#untilStale(found);
    } catch (error) {
      if (this.#disposed) return;
      this.#set.failed(error instanceof Error ? error.message : String(error));
      this.#failures += 1;
      waitMs = this.#backOff();
    } finally {
      cancelTimeout();
    }
    this.#looked.resolve();
    this.#lookIn(waitMs);
  }

  #untilStale({ ttlMs, ttlOfPart = false }: Found): number {
    const { minTtlMs, maxTtlMs, intervalMs, random } = this.#options;
    const told = ttlMs === undefined ? intervalMs : Math.min(Math.max(ttlMs, minTtlMs), maxTtlMs);
    const ms = ttlOfPart ? Math.min(told, intervalMs) : told;
    return Math.max(ms * (1 - JITTER * random()), minTtlMs);
  }

  #backOff(): number {
    const { retryMaxMs, random } = this.#options;
    const ms = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 20), retryMaxMs);
    return ms * (1 - random() / 2);
  }

  /** No more than may be used: those in use first, then by address, so that the choice is the same every time. */
  #bounded(found: readonly EndpointSpec[]): { specs: readonly EndpointSpec[]; leftOut: number } {
    const { maxEndpoints } = this.#options;
    const used = new Set(this.specs?.map(({ address }) => address));
    const specs = found.toSorted(
      (a, b) => Number(used.has(b.address)) - Number(used.has(a.address)) || (a.address < b.address ? -1 : 1),
    );
    return { specs: specs.slice(0, maxEndpoints), leftOut: Math.max(0, specs.length - maxEndpoints) };
  }
}
