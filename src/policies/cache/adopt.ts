import { sameVary } from '../../cache/kept-answer.ts';
import type { KeptElsewhere } from '../../cache/mirror.ts';
import type { Store } from '../../cache/store.ts';
import type { Release } from './release.ts';

/**
 * Keeps what another thread of the process has fetched for a route, unless this one has something newer, or another
 * release of the page that it belongs to.
 */
export function adopt({ key, answer, endpoint }: KeptElsewhere, store: Store, release: Release | undefined): void {
  if (release?.agrees(key, answer) === false) return;
  const here = store.peek(key).find((other) => sameVary(other, answer));
  if (here !== undefined && here.receivedAt >= answer.receivedAt) return;
  const kept = store.put(key, answer, store.begin(key));
  if (kept !== undefined) release?.arrived(key, kept, endpoint, store);
}
