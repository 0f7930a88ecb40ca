/** What of the config holds for the life of the process. */

import type { Config } from '../config/schema.ts';

/** Throws with the name of a key that a reload would change and cannot. */
export function refuseFixed(next: Config, now: Config, begun: Config): void {
  for (const key of ['tls', 'workers', 'worker_heap_bytes'] as const) {
    if (differs(next[key], now[key])) throw new Error(`${key}: changes need a restart of the gateway`);
  }
  // Open connections are counted by address in memory of a fixed size.
  const most = begun.limits.max_connections;
  if (next.limits.max_connections > most) {
    throw new Error(
      `limits.max_connections: more than the ${most} that the process has begun with need a restart of the gateway`,
    );
  }
}

/** What has changed since the start and waits for the next one, in words. */
export function waitingForRestart(now: Config, begun: Config): string[] {
  return differs(now.log, begun.log) ? ['log: changes wait for a restart of the gateway'] : [];
}

function differs(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}
