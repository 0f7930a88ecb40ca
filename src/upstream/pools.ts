/** The list of pools, by the protocol that the config has for them. */

import { type Clock, systemClock } from '../core/clock.ts';
import { AlpnPool } from './alpn-pool.ts';
import { H1Pool } from './h1-pool.ts';
import { H2Pool } from './h2-pool.ts';
import { LimitedPool } from './limited-pool.ts';
import type { Address, PoolObserver, PoolSettings, UpstreamPool } from './pool.ts';

type PoolConstructor = new (
  address: Address,
  settings: PoolSettings,
  observer: PoolObserver,
  clock: Clock,
) => UpstreamPool;

/** Which pool speaks which protocol. */
const POOLS: Record<PoolSettings['protocol'], PoolConstructor> = {
  h2c: H2Pool,
  h2: H2Pool,
  https: AlpnPool,
  'http/1.1': H1Pool,
};

/** Makes the pool for the protocol of the settings, with its limits before it. */
export function makePool(
  address: Address,
  settings: PoolSettings,
  observer: PoolObserver,
  clock: Clock = systemClock,
): LimitedPool {
  const make = (inner: PoolObserver): UpstreamPool => new POOLS[settings.protocol](address, settings, inner, clock);
  return new LimitedPool(make, settings, observer, `${address.host}:${address.port}`, clock);
}
