/** A watch over bodies that nobody reads any more: those are fetched on for the store, but not for ever. */

import type { Clock } from '../../core/clock.ts';

/**
 * Looks every so many milliseconds whether anybody reads it, and gives up at the first look where nobody does. Harm: an
 * origin that never ends, or drips, would hold a body and a stream for each of its clients that has left. Gives what ends
 * the watch.
 */
export function watchUnread(
  clock: Clock,
  everyMs: number,
  { unread, giveUp }: { readonly unread: () => boolean; readonly giveUp: () => void },
): () => void {
  let cancel = (): void => {};
  const look = (): void => {
    if (unread()) giveUp();
    else cancel = clock.after(everyMs, look);
  };
  cancel = clock.after(everyMs, look);
  return () => cancel();
}
