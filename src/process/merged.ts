/** What several workers answer, as one answer for operators. */

import type { CacheQuestion, CacheSource } from '../admin/entry.ts';
import type { Listing } from '../cache/listing.ts';
import { type Counts, hitRatio } from '../cache/tally.ts';
import type { HotKey } from '../limits/hottest.ts';
import type { Gateway } from './gateway.ts';
import type { WorkerThread } from './worker-thread.ts';
import type { Workers } from './workers.ts';

type Status = ReturnType<Gateway['upstreams']>[number];
type EndpointStatus = Status['endpoints'][number];
/** What one worker says differently from the first. */
interface Told {
  readonly worker: number;
  readonly upstreams: readonly Status[];
}

/** Counts of an endpoint that add up over the workers. */
const SUMS = ['in_flight', 'pending', 'sessions', 'streams'] as const satisfies readonly (keyof EndpointStatus)[];
/** What each worker finds out for itself. */
const OPINIONS = ['state', 'used', 'reason', 'reachable', 'ejected_until', 'last_error'] as const;

/** The upstreams of all workers: counts as sums, and beside the first worker's opinion those of others that differ. */
export function mergedUpstreams(told: readonly Told[]): unknown[] {
  const [first, ...others] = told;
  if (first === undefined) return [];
  return first.upstreams.map((upstream) => ({
    ...upstream,
    endpoints: upstream.endpoints.map((endpoint) => {
      const same = others.flatMap(({ worker, upstreams }) => {
        const theirs = upstreams.find(({ name }) => name === upstream.name);
        const found = theirs?.endpoints.find(({ name }) => name === endpoint.name);
        return found === undefined ? [] : [{ worker, found }];
      });
      return {
        ...endpoint,
        ...summed(
          endpoint,
          same.map(({ found }) => found),
        ),
        ...differing(endpoint, same),
      };
    }),
  }));
}

function summed(
  first: EndpointStatus,
  others: readonly EndpointStatus[],
): Partial<Record<keyof EndpointStatus, number>> {
  const sums: Partial<Record<keyof EndpointStatus, number>> = {};
  for (const key of SUMS) sums[key] = others.reduce((sum, endpoint) => sum + endpoint[key], first[key]);
  return sums;
}

function differing(
  first: EndpointStatus,
  others: readonly { readonly worker: number; readonly found: EndpointStatus }[],
): { readonly other_workers?: readonly unknown[] } {
  const opinionOf = (endpoint: EndpointStatus): Record<string, unknown> =>
    Object.fromEntries(OPINIONS.map((key) => [key, endpoint[key]]));
  const opinion = JSON.stringify(opinionOf(first));
  const different = others.filter(({ found }) => JSON.stringify(opinionOf(found)) !== opinion);
  if (different.length === 0) return {};
  return { other_workers: different.map(({ worker, found }) => ({ worker, ...opinionOf(found) })) };
}

/** The keys that ask most over all workers. */
export function mergedHottest(lists: readonly (readonly HotKey[])[], most: number): HotKey[] {
  const sums = new Map<string, HotKey>();
  for (const hot of lists.flat()) {
    const id = `${hot.rule}\0${hot.key}`;
    const before = sums.get(id);
    sums.set(id, {
      ...hot,
      asked: hot.asked + (before?.asked ?? 0),
      refused: hot.refused + (before?.refused ?? 0),
    });
  }
  return [...sums.values()].sort((a, b) => b.asked - a.asked).slice(0, most);
}

/** The caches of all workers: each stores for itself, so the same answer may be in several. */
export function mergedCache(workers: Workers): CacheSource {
  return {
    async summary() {
      const told = [...(await workers.ask('cache_summary', undefined))];
      const parts = told.flatMap(([{ worker }, summary]) => (summary === undefined ? [] : [{ worker, ...summary }]));
      return { ...sumOf(parts), workers: parts };
    },
    entries: async (question) => mergedListing(await workers.ask('cache_entries', question), question),
    async purge(order) {
      const answered = workers.ask('cache_purge', order);
      workers.cache.purged();
      const answers = await answered;
      const found = [...answers.values()];
      const disks = found.map((answer) => answer?.disk);
      return {
        purged: found.reduce((sum, answer) => sum + (answer?.purged ?? 0), 0),
        // A worker that did not answer may still have it.
        disk: found.includes(undefined) || disks.includes(false) ? false : disks.includes(true) ? true : undefined,
      };
    },
  };
}

/** Numbers as sums, ratios anew, maps likewise; of the rest what the first has. */
function sumOf(parts: readonly Record<string, unknown>[]): Record<string, unknown> {
  const sums: Record<string, unknown> = {};
  for (const key of new Set(parts.flatMap((part) => Object.keys(part)))) {
    const values = parts.map((part) => part[key]);
    if (key === 'worker') continue;
    if (values.some((value) => typeof value === 'number') && key !== 'hit_ratio') {
      sums[key] = values.reduce((sum: number, value) => sum + (typeof value === 'number' ? value : 0), 0);
    } else if (values.some((value) => typeof value === 'object' && value !== null)) {
      sums[key] = sumOf(values.filter((value) => typeof value === 'object' && value !== null) as never);
    } else sums[key] = values.find((value) => value !== null && value !== undefined) ?? null;
  }
  if ('hit_ratio' in sums) sums.hit_ratio = hitRatio(sums as unknown as Counts) ?? null;
  return sums;
}

/** One page out of a page of each worker, in the same order. */
function mergedListing(pages: ReadonlyMap<WorkerThread, unknown>, { limit }: CacheQuestion): unknown {
  const all = [...pages].flatMap(([{ worker }, page]) =>
    page === undefined
      ? []
      : (page as Listing).entries.map((entry) => ({ worker, id: `${entry.url} ${entry.route}`, entry })),
  );
  const more = [...pages.values()].some((page) => (page as Listing | undefined)?.next !== undefined);
  const ids = [...new Set(all.map(({ id }) => id))].sort();
  const last = ids.slice(0, limit).at(-1);
  const entries = all
    .filter(({ id }) => last !== undefined && id <= last)
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.worker - b.worker))
    .map(({ worker, entry }) => ({ worker, ...entry }));
  return last !== undefined && (more || ids.length > limit) ? { entries, next: last } : { entries };
}
