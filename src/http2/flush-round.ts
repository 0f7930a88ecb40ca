/** Connections that have something to say, all flushed once in a turn of the event loop. */

/** What can be flushed. */
export interface Flushable {
  flush(): void;
}

let waiting: Flushable[] = [];

/**
 * Flushes in the check phase of this turn: what all sockets brought in this turn is dealt with by then, and its answers
 * on one connection go out together.
 */
export function flushSoon(one: Flushable): void {
  if (waiting.push(one) === 1) setImmediate(round);
}

function round(): void {
  const round = waiting;
  waiting = [];
  for (const one of round) one.flush();
}
