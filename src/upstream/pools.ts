/** The list of pools, by the protocol that the config has for them. */

import { type Clock, systemClock } from '../core/clock.ts';
import { AlpnPool } from './alpn-pool.ts';
import { H1Pool } from './h1-pool.ts';
import { HTTP2_ENGINES, type PoolConstructor } from './http2-engines.ts';
import { LimitedPool } from './limited-pool.ts';
import type { Address, PoolObserver, PoolSettings, UpstreamPool } from './pool.ts';

/** Which pool speaks which protocol. */
function poolFor({ protocol, http2Engine }: PoolSettings): PoolConstructor {
  switch (protocol) {
    case 'h2c':
    case 'h2':
      return HTTP2_ENGINES[http2Engine];
    case 'https':
      return AlpnPool;
    case 'http/1.1':
      return H1Pool;
  }
}

/** Makes the pool for the protocol of the settings, with its limits before it. */
export function makePool(
  address: Address,
  settings: PoolSettings,
  observer: PoolObserver,
  clock: Clock = systemClock,
): LimitedPool {
  const Pool = poolFor(settings);
  const make = (inner: PoolObserver): UpstreamPool => new Pool(address, settings, inner, clock);
  return new LimitedPool(make, settings, observer, `${address.host}:${address.port}`, clock);
}
