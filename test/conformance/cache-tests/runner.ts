/** One run of the public HTTP cache test-suite: its origin, a cache before it, its client before that. */

import type { StartCache } from './caches.ts';
import { startChild } from './child.ts';
import { type Score, score } from './score.ts';
import { groups, type Results } from './suite.ts';

/** Runs every test, or the one that is named, whose requests and answers are then printed; about half a minute. */
export async function runSuite(start: StartCache, id?: string): Promise<Score> {
  const loud = id !== undefined;
  await using origin = await startChild<number>('origin-process.ts', [], loud);
  await using cache = await start(origin.said);
  await using client = await startChild<Results>('client-process.ts', [cache.url, ...(loud ? [id] : [])], loud);
  return score(await groups(), client.said);
}
