/** What a process spends: read from outside, from its /metrics or from /proc; nothing is put into it. */

import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc (USER_HZ, the same on every Linux). */
const TICKS = 100;

/** One reading. What a source does not tell is undefined. */
export interface Vitals {
  /** CPU time so far, in seconds. */
  readonly cpuS: number | undefined;
  readonly rssBytes: number | undefined;
  /** Time in garbage collections so far, in seconds, of all threads. */
  readonly gcS: number | undefined;
  /** Delay of the event loop since the reading before, in milliseconds; the worst thread's. */
  readonly loopP99Ms: number | undefined;
  readonly loopMaxMs: number | undefined;
}

/** Where vitals come from. */
export type VitalSigns = () => Promise<Vitals>;

/** From the admin listener of a gateway: `url` is of /metrics. */
export function fromMetrics(url: string, token: string | undefined): VitalSigns {
  return async () => {
    const answer = await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    const text = await answer.text();
    const delay = (quantile: string): number | undefined => {
      const seconds = most(text, 'gatehouse_event_loop_delay_seconds', `quantile="${quantile}"`);
      return seconds === undefined ? undefined : seconds * 1000;
    };
    return {
      cpuS: sum(text, 'process_cpu_seconds_total'),
      rssBytes: sum(text, 'process_resident_memory_bytes'),
      gcS: sum(text, 'nodejs_gc_duration_seconds_sum'),
      loopP99Ms: delay('0.99'),
      loopMaxMs: delay('1'),
    };
  };
}

/** From /proc, of a process and all its children: what a server tells that has no metrics. */
export function fromProc(pid: number): VitalSigns {
  return async () => {
    const { cpuS, rssBytes } = spent(pid);
    return { cpuS, rssBytes, gcS: undefined, loopP99Ms: undefined, loopMaxMs: undefined };
  };
}

/** CPU and memory from /proc, as for servers without metrics, and the rest from where it is told. */
export function withProc(signs: VitalSigns, pid: number): VitalSigns {
  const own = fromProc(pid);
  return async () => {
    const { cpuS, rssBytes } = await own();
    return { ...(await signs()), cpuS, rssBytes };
  };
}

function spent(pid: number): { cpuS: number; rssBytes: number } {
  // The name in parentheses may hold anything; what counts comes after it (proc(5)).
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  let cpuS = (Number(fields[11]) + Number(fields[12])) / TICKS;
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  let rssBytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').trim();
    for (const child of children === '' ? [] : children.split(' ')) {
      const more = spent(Number(child));
      cpuS += more.cpuS;
      rssBytes += more.rssBytes;
    }
  }
  return { cpuS, rssBytes };
}

function values(text: string, name: string, label: string): number[] {
  const found: number[] = [];
  for (const [, labels = '', value] of text.matchAll(new RegExp(`^${name}(\\{[^}]*\\})? (\\S+)$`, 'gm'))) {
    if (labels.includes(label)) found.push(Number(value));
  }
  return found;
}

function sum(text: string, name: string): number | undefined {
  const found = values(text, name, '');
  return found.length === 0 ? undefined : found.reduce((total, value) => total + value, 0);
}

function most(text: string, name: string, label: string): number | undefined {
  const found = values(text, name, label);
  return found.length === 0 ? undefined : Math.max(...found);
}
