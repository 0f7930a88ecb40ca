/** What is in the store, for people. */

import { hostOf } from '../core/path.ts';
import type { KeptAnswer } from './kept-answer.ts';
import { reachOf } from './purge.ts';
import type { Store } from './store.ts';
import type { CacheKey } from './stored.ts';
import { hitRatio } from './tally.ts';

/** Which entries are listed. */
export interface ListingQuestion {
  readonly host?: string;
  /** The beginning of a path. */
  readonly prefix?: string;
  /** How many at most. */
  readonly limit: number;
  /** The `id` of the last one of the page before. */
  readonly after?: string;
}

/** One stored answer, as an operator sees it. Ages in seconds, sizes in bytes. */
export interface ListedAnswer {
  readonly url: string;
  readonly route: string;
  readonly status: number;
  readonly type: string;
  readonly vary: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly codings: Readonly<Record<string, number>>;
  readonly digest: string;
  readonly age_s: number;
  /** Negative where it is stale. */
  readonly fresh_for_s: number;
  readonly hits: number;
  readonly release: string;
}

/** One page: ordered by URL, then route; `next` where there is more. All answers of one URL and route are on one page. */
export interface Listing {
  readonly entries: readonly ListedAnswer[];
  readonly next?: string;
}

/** Lists what is kept. Throws a RangeError that says what is wrong with the host. */
export function listingOf(store: Store, wall: number, { host, prefix, limit, after }: ListingQuestion): Listing {
  if (host !== undefined) reachOf({ host });
  const asked = host?.toLowerCase();
  const page: { id: string; key: CacheKey; answers: readonly KeptAnswer[] }[] = [];
  let more = false;
  for (const { key, answers } of store.resources()) {
    if (asked !== undefined && key.host.toLowerCase() !== asked && hostOf(key.host) !== asked) continue;
    if (prefix !== undefined && !key.target.startsWith(prefix)) continue;
    const id = idOf(key);
    if (after !== undefined && id <= after) continue;
    if (page.length === limit) {
      more = true;
      if (limit === 0 || id > page[limit - 1]!.id) continue;
      page.pop();
    }
    page.splice(placeIn(page, id), 0, { id, key, answers });
  }
  const entries = page.flatMap(({ key, answers }) => answers.map((answer) => listed(key, answer, wall)));
  const last = page.at(-1);
  return more && last !== undefined ? { entries, next: last.id } : { entries };
}

/** The figures of the store with its hit ratios, from 0 to 1, null before the first request. */
export function summaryOf(store: Store): Record<string, unknown> {
  const counts = store.tally.total();
  const routes: Record<string, unknown> = {};
  for (const [route, of] of store.tally.routes()) routes[route] = { ...of, hit_ratio: hitRatio(of) ?? null };
  return { ...store.figures(), ...counts, hit_ratio: hitRatio(counts) ?? null, routes };
}

/** Where it belongs in what is sorted. */
function placeIn(page: readonly { readonly id: string }[], id: string): number {
  let low = 0;
  let high = page.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (page[middle]!.id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function urlOf({ scheme, host, target }: CacheKey): string {
  return `${scheme}://${host}${target}`;
}

function idOf(key: CacheKey): string {
  return `${urlOf(key)} ${key.route}`;
}

function listed(key: CacheKey, answer: KeptAnswer, wall: number): ListedAnswer {
  const since = (wall - answer.receivedAt) / 1000;
  const type = answer.fields.findIndex((name, i) => i % 2 === 0 && name === 'content-type');
  return {
    url: urlOf(key),
    route: key.route,
    status: answer.status,
    type: type === -1 ? '' : answer.fields[type + 1]!,
    vary: Object.fromEntries(answer.vary),
    bytes: answer.body.byteLength,
    codings: Object.fromEntries([...answer.codings].map(([name, coded]) => [name, coded.byteLength])),
    digest: answer.digest,
    age_s: Math.round(answer.initialAgeS + Math.max(0, since)),
    fresh_for_s: Math.round(answer.freshForS - since),
    hits: answer.hits,
    release: answer.release,
  };
}
