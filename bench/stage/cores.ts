/** Who runs on which core, so that what is measured shares its core with nothing else. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Lists of cores as taskset takes them. */
export interface Cores {
  readonly gateway: string;
  readonly upstream: string;
  readonly load: string;
  /** The load has cores that nobody else has. */
  readonly loadAlone: boolean;
}

/** One core for the gateway, one for the upstream, the rest for the load; undefined where nothing can be pinned. */
export function shareCores(): Cores | undefined {
  const cores = allowedCores();
  if (cores.length < 2 || !canPin()) return undefined;
  const [gateway, upstream, ...rest] = cores.map(String);
  return {
    gateway: gateway!,
    upstream: upstream!,
    load: rest.length > 0 ? rest.join(',') : upstream!,
    loadAlone: rest.length > 0,
  };
}

/** Moves this process, and the threads it will start, to some cores. */
export function pinSelf(cores: string): void {
  execFileSync('taskset', ['-a', '-c', '-p', cores, String(process.pid)], { stdio: 'ignore' });
}

function canPin(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** As Linux lists them: `0-3,8`. */
function allowedCores(): number[] {
  let list: string | undefined;
  try {
    list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  } catch {
    return [];
  }
  return (list ?? '').split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map(Number);
    return from === undefined || Number.isNaN(from)
      ? []
      : Array.from({ length: to! - from + 1 }, (_, index) => from + index);
  });
}
