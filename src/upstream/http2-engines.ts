/** The list of engines that speak HTTP/2 to upstreams. A new one is a pool behind the same contract, and one line here. */

import type { Clock } from '../core/clock.ts';
import { FramesPool } from './frames/pool.ts';
import { H2Pool } from './h2-pool.ts';
import type { Address, PoolObserver, PoolSettings, UpstreamPool } from './pool.ts';

/** Makes the pool of one endpoint. */
export type PoolConstructor = new (
  address: Address,
  settings: PoolSettings,
  observer: PoolObserver,
  clock?: Clock,
) => UpstreamPool;

/** `node`: Node's HTTP/2 by http2-wrapper; `frames`: the gateway's own. */
export const HTTP2_ENGINES = {
  node: H2Pool,
  frames: FramesPool,
} as const satisfies Record<PoolSettings['http2Engine'], PoolConstructor>;
