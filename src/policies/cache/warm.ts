/** Fills the cache at the start: the page of each host, what it loads, and what that loads. */

import { ttlS } from '../../cache/freshness.ts';
import type { KeptAnswer } from '../../cache/kept-answer.ts';
import type { Store } from '../../cache/store.ts';
import type { StoredAnswer } from '../../cache/stored.ts';
import type { Clock } from '../../core/clock.ts';
import type { PolicyContext } from '../../core/policy.ts';
import type { Flight } from './flight.ts';
import type { Landing } from './flight-settings.ts';
import type { CacheOptions } from './options.ts';
import { namedFiles, pageFiles } from './page.ts';
import type { Question } from './question.ts';

/** More files than these are not fetched for one host. */
const MOST_FILES = 1000;
/** So many are fetched at once: those who come meanwhile must not wait behind them. */
const AT_ONCE = 4;

interface WarmOptions {
  readonly index: string;
  readonly hashed: RegExp;
  /** The stored answer to a target; undefined where there is none. */
  fetch(target: string): Promise<StoredAnswer | undefined>;
}

/** Fetches them; gives how many are stored. */
async function warm({ index, hashed, fetch }: WarmOptions): Promise<number> {
  const seen = new Set([index]);
  let waiting = [index];
  let stored = 0;
  while (waiting.length > 0) {
    const now = waiting.splice(0, AT_ONCE);
    const next: string[] = [];
    for (const [i, answer] of (await Promise.all(now.map((target) => fetch(target)))).entries()) {
      if (answer === undefined) continue;
      stored += 1;
      for (const target of named(answer, now[i]!, index, hashed)) {
        if (seen.has(target) || seen.size >= MOST_FILES) continue;
        seen.add(target);
        next.push(target);
      }
    }
    waiting = [...waiting, ...next];
  }
  return stored;
}

/** Fetches the page of each host that the config names, and what it loads; tells of each host when it is done. */
export function warmHosts(
  app: CacheOptions['single_page_app'],
  { clock, events, route, services }: PolicyContext,
  flights: StoredOptions['flights'],
): void {
  if (app === false || !app.warm) return;
  const { store } = services.cache;
  for (const host of services.cache.warmHosts) {
    const fetch = (target: string) =>
      stored({ key: { route: route.name, scheme: 'https', host, target }, fields: [] }, { store, clock, flights });
    void warm({ index: app.index, hashed: new RegExp(app.hashed), fetch }).then((count) =>
      events.emit('cache_warmed', { route: route.name, host, stored: count }),
    );
  }
}

interface StoredOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** The flight to wait for; undefined where there are too many. */
  flights(question: Question, stale: KeptAnswer | undefined): Flight | undefined;
}

/** What is stored for a question, fetched where it is not there or not fresh. */
function stored(question: Question, { store, clock, flights }: StoredOptions): Promise<StoredAnswer | undefined> {
  const [stale] = store.get(question.key);
  if (stale !== undefined && ttlS(stale, clock.wall()) > 0) return Promise.resolve(stale);
  const flight = flights(question, stale);
  if (flight === undefined) return Promise.resolve(stale);
  const { promise, resolve } = Promise.withResolvers<StoredAnswer | undefined>();
  const land = (landing: Landing): void => resolve(landing.kind === 'stored' ? landing.answer : undefined);
  flight.join({ question, stale, whole: true, inform() {}, land });
  return promise;
}

function named(answer: StoredAnswer, target: string, index: string, hashed: RegExp): readonly string[] {
  if (target === index) return pageFiles(text(answer), index).map((file) => file.target);
  return /\.(?:m?js|css)$/.test(target) ? namedFiles(text(answer), target, hashed) : [];
}

function text({ body }: StoredAnswer): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
}
