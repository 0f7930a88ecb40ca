/** Heap profiles of a Node program that runs: the flags for it, and when it samples. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const FILE = 'gateway.heapprofile';
const WRITE_MS = 10_000;

/** Flags for Node: it samples what it allocates when it is told to, and writes the profile into the folder. */
export function heapSamplingFlags(folder: string): readonly string[] {
  const module = pathToFileURL(join(import.meta.dirname, 'heap-sampling.ts'));
  module.searchParams.set('to', join(folder, FILE));
  return [`--import=${module.href}`];
}

/** Has it sample from so many milliseconds on; what is given ends that, and resolves with the file. Throws where none comes. */
export function sampleHeap(
  { gatewayPid, folder }: { readonly gatewayPid: number; readonly folder: string },
  afterMs: number,
): () => Promise<string> {
  const timer = setTimeout(() => process.kill(gatewayPid, 'SIGUSR2'), afterMs);
  return async () => {
    clearTimeout(timer);
    process.kill(gatewayPid, 'SIGUSR2');
    const file = join(folder, FILE);
    const deadline = performance.now() + WRITE_MS;
    while (!existsSync(file)) {
      if (performance.now() > deadline) throw new Error(`no heap profile within ${WRITE_MS} ms`);
      await pass(20);
    }
    return file;
  };
}
