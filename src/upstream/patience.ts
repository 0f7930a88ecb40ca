/** How long requests wait for a session, and sessions for a sign of life or of use. */

import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { PoolSettings } from './pool.ts';

/**
 * Fails where a request has waited in vain: for a session as long as connecting may take, for room on one as long as
 * requests may wait. `fail` is called once, with CONNECT_TIMEOUT or UPSTREAM_BUSY; what is given takes that back.
 */
export function giveUpWaiting(
  { connectTimeoutMs, pendingTimeoutMs, maxSessions }: PoolSettings,
  clock: Clock,
  where: string,
  connecting: () => boolean,
  fail: (error: GatewayError) => void,
): () => void {
  const since = clock.now();
  let cancel: (() => void) | undefined;
  const look = (): void => {
    const [limitMs, code, which] = connecting()
      ? ([connectTimeoutMs, 'CONNECT_TIMEOUT', ''] as const)
      : ([pendingTimeoutMs, 'UPSTREAM_BUSY', `, max_sessions ${maxSessions}`] as const);
    const left = limitMs - (clock.now() - since);
    if (left > 0) cancel = clock.after(Math.ceil(left), look);
    else fail(new GatewayError(code, { detail: `${where}: no session with room within ${limitMs} ms${which}` }));
  };
  look();
  return () => cancel?.();
}

/** A session as its watch sees it. */
export interface Watched {
  /** How many are open. */
  streams(): number;
  /** Sends a PING; `answered` is called with its answer. */
  ping(answered: () => void): void;
  /** Nobody has used it for a while. */
  unused(): void;
  /** It does not answer. */
  dead(reason: string): void;
}

/** PINGs a session until what is given is called, and looks whether it is used. */
export function watchSession(
  { pingIntervalMs, pingTimeoutMs, idleSessionMs }: PoolSettings,
  clock: Clock,
  session: Watched,
): () => void {
  let idleSince = clock.now();
  let cancelTimeout: (() => void) | undefined;
  const look = (): void => {
    cancelNext = clock.after(pingIntervalMs, look);
    const now = clock.now();
    if (session.streams() > 0) idleSince = now;
    else if (now - idleSince > idleSessionMs) {
      session.unused();
      return;
    }
    if (cancelTimeout !== undefined) return;
    cancelTimeout = clock.after(pingTimeoutMs, () => session.dead(`no answer to PING within ${pingTimeoutMs} ms`));
    session.ping(() => {
      cancelTimeout?.();
      cancelTimeout = undefined;
    });
  };
  let cancelNext = clock.after(pingIntervalMs, look);
  return () => {
    cancelNext();
    cancelTimeout?.();
  };
}
