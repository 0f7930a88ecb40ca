/** One address of an upstream and what is known of it. */

import type { GatewayError } from '../core/errors.ts';
import type { Events } from '../core/events.ts';
import type { UpstreamStream } from '../core/raw.ts';
import { AlpnPool } from './alpn-pool.ts';
import { H1Pool } from './h1-pool.ts';
import { H2Pool } from './h2-pool.ts';
import type { Address, OpenRequest, PoolObserver, PoolSettings, UpstreamPool } from './pool.ts';

type PoolConstructor = new (address: Address, settings: PoolSettings, observer: PoolObserver) => UpstreamPool;

/** Which pool speaks which protocol. */
const POOLS: Record<PoolSettings['protocol'], PoolConstructor> = {
  h2c: H2Pool,
  h2: H2Pool,
  https: AlpnPool,
  'http/1.1': H1Pool,
};

/** Splits `host:port`; IPv6 in brackets. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  if (match === null) throw new Error(`not host:port: ${text}`);
  return { host: match[1] ?? match[2]!, port: Number(match[3]) };
}

/** One endpoint: an address and the sessions to it. */
export class Endpoint {
  /** `host:port`, as the config spells it. */
  readonly name: string;
  readonly #pool: UpstreamPool;
  /** Whether it answered the last time that it was asked for anything; undefined before. */
  reachable: boolean | undefined;
  /** What happened last, for /upstreams. */
  lastError: { code: string; detail: string | undefined; at: number } | undefined;
  /** Attempts in a row that speak against it; what a client can cause is not among them. */
  failures = 0;

  constructor(name: string, upstream: string, settings: PoolSettings, events: Events) {
    this.name = name;
    this.#pool = new POOLS[settings.protocol](parseAddress(name), settings, {
      sessionOpened: (session) => events.emit('session_opened', { upstream, endpoint: name, session }),
      sessionClosed: (session, reason) => events.emit('session_closed', { upstream, endpoint: name, session, reason }),
    });
  }

  open(request: OpenRequest): Promise<UpstreamStream> {
    return this.#pool.open(request);
  }

  /** An attempt here failed; `at` is wall time. `counts`: it speaks against the endpoint. */
  failed(error: GatewayError, counts: boolean, at: number): void {
    this.lastError = { code: error.code, detail: error.detail, at };
    if (!counts) return;
    this.failures += 1;
    this.reachable = false;
  }

  /** It sent the head of an answer. */
  answered(): void {
    this.failures = 0;
    this.reachable = true;
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
    this.#pool.destroy();
  }
}
