/** The pool for `https` upstreams: asks by ALPN once, then is the pool of what was agreed. */

import { type Clock, systemClock } from '../core/clock.ts';
import type { GatewayError } from '../core/errors.ts';
import type { UpstreamStream } from '../core/raw.ts';
import { connectTls } from './connect.ts';
import { H1Pool } from './h1-pool.ts';
import { HTTP2_ENGINES } from './http2-engines.ts';
import { connectError } from './node-error.ts';
import type { Address, OpenRequest, PoolObserver, PoolSettings, UpstreamPool } from './pool.ts';

/** Sessions to one endpoint that speaks TLS and either HTTP/2 or HTTP/1.1. */
export class AlpnPool implements UpstreamPool {
  readonly #address: Address;
  readonly #settings: PoolSettings;
  readonly #observer: PoolObserver;
  readonly #clock: Clock;
  #agreed: Promise<UpstreamPool> | undefined;
  #pool: UpstreamPool | undefined;
  #draining = false;

  constructor(address: Address, settings: PoolSettings, observer: PoolObserver, clock: Clock = systemClock) {
    this.#address = address;
    this.#settings = settings;
    this.#observer = observer;
    this.#clock = clock;
  }

  async open(request: OpenRequest): Promise<UpstreamStream> {
    this.#agreed ??= this.#ask();
    const pool = await this.#agreed;
    try {
      return await pool.open(request);
    } catch (error) {
      // It spoke HTTP/2 and does no longer: ask again next time.
      if ((error as GatewayError).code === 'UPSTREAM_PROTOCOL' && this.#pool === pool) this.#forget();
      throw error;
    }
  }

  async #ask(): Promise<UpstreamPool> {
    const { tls, connectTimeoutMs } = this.#settings;
    try {
      const socket = await connectTls(this.#address, tls, ['h2', 'http/1.1'], connectTimeoutMs).ready;
      const { alpnProtocol } = socket;
      socket.destroy();
      const Pool = alpnProtocol === 'h2' ? HTTP2_ENGINES[this.#settings.http2Engine] : H1Pool;
      this.#pool = new Pool(this.#address, this.#settings, this.#observer, this.#clock);
      if (this.#draining) this.#pool.drain();
      return this.#pool;
    } catch (error) {
      this.#agreed = undefined; // ask again next time
      throw connectError(error, `${this.#address.host}:${this.#address.port}`);
    }
  }

  #forget(): void {
    this.#pool?.drain();
    this.#pool = undefined;
    this.#agreed = undefined;
  }

  drain(): void {
    this.#draining = true;
    this.#pool?.drain();
  }

  destroy(): void {
    this.#draining = true;
    this.#pool?.destroy();
  }

  get sessions(): number {
    return this.#pool?.sessions ?? 0;
  }

  get streams(): number {
    return this.#pool?.streams ?? 0;
  }
}
