/** The age that connections of clients may reach: then they are asked to go, so that load spreads over replicas that are new. */

import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';

/** How much longer or shorter one lives than another, so that those that came together do not go together. */
const JITTER = 0.1;

/** A connection that is served. */
export interface Served {
  /** What was begun is served to its end; the peer is told to begin nothing more here. */
  retire(): void;
}

/** How old a connection may become. */
export interface AgeLimits {
  /** In milliseconds, give or take a tenth; 0 for no limit. */
  readonly maxConnectionAgeMs: number;
  /** How long it may then take to go, in milliseconds; 0 for as long as it wants. */
  readonly maxConnectionAgeGraceMs: number;
}

/** Retires a connection in its time; `overdue` is called where it takes longer to go than it may. */
export function limitAge(
  socket: Socket,
  served: Served,
  { maxConnectionAgeMs, maxConnectionAgeGraceMs }: AgeLimits,
  { after, random }: { readonly after: Clock['after']; readonly random: () => number },
  overdue: () => void,
): void {
  if (maxConnectionAgeMs === 0) return;
  let cancel = after(maxConnectionAgeMs * (1 - JITTER + 2 * JITTER * random()), () => {
    served.retire();
    if (maxConnectionAgeGraceMs > 0) cancel = after(maxConnectionAgeGraceMs, overdue);
  });
  socket.once('close', () => cancel());
}
