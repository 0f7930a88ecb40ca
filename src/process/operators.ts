/** What operators are told that the threads of the process know together. */

import type { AdminSources } from '../admin/entry.ts';
import { systemClock } from '../core/clock.ts';
import { MergedMetrics } from '../telemetry/merged-metrics.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { cacheSource } from './cache-source.ts';
import { mergedCache, mergedHottest, mergedUpstreams } from './merged.ts';
import type { Primary } from './primary.ts';
import type { Workers } from './workers.ts';

/** How long a worker may take for its metrics, in milliseconds; what it said last counts then. */
const METRICS_MS = 2000;

type Shared = Pick<AdminSources, 'metrics' | 'upstreams' | 'hottestKeys' | 'cache'>;

/** The sources of the admin listener that have to ask all workers where there are some. */
export function sharedSources(primary: Primary, metrics: Metrics): Shared {
  const { workers } = primary;
  if (workers !== undefined) return askingWorkers(workers, metrics);
  return {
    metrics,
    upstreams: () => primary.upstreams(),
    hottestKeys: (most) => primary.generation.services.localTier.hottest(most),
    cache: cacheSource(() => primary.generation.services.cache, systemClock),
  };
}

function askingWorkers(workers: Workers, metrics: Metrics): Shared {
  const merged = new MergedMetrics();
  workers.onGone((number) => merged.ended(number));
  return {
    metrics: {
      contentType: metrics.contentType,
      async text() {
        const answers = await workers.ask('metrics', undefined, METRICS_MS);
        const told = [...answers].map(([{ number }, snapshot]) => [number, snapshot] as const);
        return merged.text(await metrics.snapshot(), new Map(told));
      },
    },
    async upstreams() {
      const answers = await workers.ask('upstreams', undefined);
      return mergedUpstreams(
        [...answers].flatMap(([{ worker }, upstreams]) => (upstreams === undefined ? [] : [{ worker, upstreams }])),
      );
    },
    async hottestKeys(most) {
      const answers = await workers.ask('hottest_keys', most);
      return mergedHottest(
        [...answers.values()].map((list) => list ?? []),
        most,
      );
    },
    cache: mergedCache(workers),
  };
}
