import { setImmediate } from 'node:timers/promises';

/** Resolves when it is so: looks again in each turn of the event loop, where nothing tells of a change. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) await setImmediate();
}
