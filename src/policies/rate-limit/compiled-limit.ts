/** A rate limit of the config, compiled for one route: from a request to what it is charged. */

import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import type { PolicyServices } from '../../core/policy.ts';
import { isPreflight } from '../../dialects/cors.ts';
import type { Charge, Limit } from '../../limits/tier.ts';
import { type CompiledKey, compileKey } from '../keys/compiled-key.ts';
import { failureTest } from './failures.ts';
import type { LimitOptions } from './options.ts';

/** One request, charged by one limit. */
export interface Charged extends Charge {
  readonly by: CompiledLimit;
  /** What is remembered when the request succeeds: its device is known for this key then. */
  readonly mark: string | undefined;
}

const NOTHING: readonly Charged[] = [];

/** A limit that knows how to read its key. */
export class CompiledLimit {
  readonly limit: Limit;
  readonly options: LimitOptions;
  readonly key: CompiledKey;
  /** Where everything is found that the key and the known devices need. */
  readonly phase: 'head' | 'body';
  readonly failed: ReturnType<typeof failureTest>;
  readonly #device: CompiledKey | undefined;
  readonly #proof: readonly CompiledKey[];
  /** What all known devices of a key have together. */
  readonly #pool: Limit;
  readonly #services: PolicyServices;

  constructor(rule: string, options: LimitOptions, services: PolicyServices) {
    const { requests, period_s, burst = requests, cost, ban } = options;
    this.options = options;
    this.limit = {
      rule,
      bucket: `${rule}\0${requests}/${period_s}/${burst}`,
      rate: { requests, periodMs: period_s * 1000, burst },
      cost,
      ban: ban && {
        after: ban.after,
        withinMs: ban.within_s * 1000,
        forMs: ban.for_s * 1000,
        maxMs: ban.max_s * 1000,
      },
    };
    this.key = compileKey(options.key, services);
    const { by, proof = [], pool = 1 } = options.known ?? {};
    this.#device = by && compileKey(by, services);
    this.#proof = proof.map((part) => compileKey([part], services));
    this.#pool = {
      ...this.limit,
      bucket: `${rule}\0${requests * pool}/${period_s}/${burst * pool}`,
      rate: { requests: requests * pool, periodMs: period_s * 1000, burst: burst * pool },
    };
    const keys = [this.key, ...(this.#device === undefined ? [] : [this.#device]), ...this.#proof];
    this.phase = keys.some(({ phase }) => phase === 'body') ? 'body' : 'head';
    this.failed = failureTest(options.failures);
    this.#services = services;
  }

  /** Whether it is taken in the second phase: its key is in the body, or it counts only what goes upstream. */
  get late(): boolean {
    return this.phase === 'body' || this.options.count === 'upstream';
  }

  /** What a request is charged: nothing where it is not counted, 'refuse' where it lacks what it must have. */
  charge(exchange: Exchange, body: PeekedBody | undefined, now: number): readonly Charged[] | 'refuse' {
    const { methods } = this.options;
    if (methods.length > 0 && !methods.includes(exchange.head.method)) return NOTHING;
    if (isPreflight(exchange.head)) return this.#preflight(exchange);
    const keys = this.key.readAll(exchange, body);
    if (keys === undefined) {
      if (this.options.missing === 'skip') return NOTHING;
      if (this.options.missing === 'refuse') return 'refuse';
      return this.#charge(exchange, body, now, this.key.readShared(exchange, body));
    }
    if (keys.length === 1) return this.#charge(exchange, body, now, keys[0]!);
    return keys.flatMap((parts) => this.#charge(exchange, body, now, parts));
  }

  /**
   * A CORS preflight says nothing of who calls: it counts by its address, apart from the calls that it precedes, and costs
   * them nothing.
   */
  #preflight(exchange: Exchange): readonly Charged[] {
    if (!this.key.addressOnly) return NOTHING;
    const parts = this.key.read(exchange, undefined);
    if (parts === undefined) return NOTHING;
    const key = `${this.limit.bucket}\0${parts}\0preflight`;
    return [
      { limit: this.limit, key, enforce: this.options.enforce && !this.#doubtful(exchange), by: this, mark: undefined },
    ];
  }

  #charge(exchange: Exchange, body: PeekedBody | undefined, now: number, parts: string): readonly Charged[] {
    const key = `${this.limit.bucket}\0${parts}`;
    const enforce = this.options.enforce && !this.#doubtful(exchange);
    const device = this.#device && this.#deviceOf(key, exchange, body);
    const mark = device !== undefined && this.#proven(exchange, body) ? device : undefined;
    if (device === undefined || !this.#services.marks.has(device, now))
      return [{ limit: this.limit, key, enforce, by: this, mark }];
    return [
      { limit: this.limit, key: device, enforce, by: this, mark },
      { limit: this.#pool, key: `${this.#pool.bucket}\0${parts}\0known`, enforce, by: this, mark: undefined },
    ];
  }

  /** The address may be that of a proxy that nobody listed: then everybody would be refused for what one did. */
  #doubtful({ client }: Exchange): boolean {
    return client.mayBeProxy && this.key.addressOnly && this.#services.untrustedPrivatePeers === 'shadow';
  }

  /** The device of a request with this key; undefined where it cannot be told. */
  #deviceOf(key: string, exchange: Exchange, body: PeekedBody | undefined): string | undefined {
    // An address that may be everybody's makes no device known.
    if (exchange.client.mayBeProxy && this.#device!.parts.includes('address')) return undefined;
    const device = this.#device!.read(exchange, body);
    return device === undefined ? undefined : `${key}\0known\0${device}`;
  }

  /** Whether success says that the device is its user's, and not only that the request was well formed. */
  #proven(exchange: Exchange, body: PeekedBody | undefined): boolean {
    return this.#proof.length === 0 || this.#proof.some((part) => part.read(exchange, body) !== undefined);
  }
}
