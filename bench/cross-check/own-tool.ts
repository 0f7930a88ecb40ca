/** The bench's own generator as one of several. */

import { runPlan } from '../load/crew.ts';
import { type Reading, readingOf, type Task, type Tool } from './tool.ts';

/** The generator that the bench measures with. */
export const OWN_TOOL: Tool = {
  name: 'bench',
  unable: () => undefined,
  run: measured,
};

async function measured(task: Task): Promise<Reading> {
  const { connections, streams, durationMs, warmUpMs, target, request } = task;
  const plan = {
    target,
    lines: { connections, streams, requestsPerConnection: 0, resume: false, idle: 0 },
    requests: [request],
    rate: undefined,
    warmUpMs,
    durationMs,
    timeoutMs: 10_000,
    spin: false,
    seed: 1,
  };
  // Of the process and not of its threads: garbage is collected by threads that are nobody's.
  const look = async (): Promise<{ cpuS: number; serverCpuS: number }> => {
    const { user, system } = process.cpuUsage();
    return { cpuS: (user + system) / 1e6, serverCpuS: await task.serverCpuS() };
  };
  let before = look();
  let after: ReturnType<typeof look> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const { tally } = await runPlan(plan, {
    threads: task.threads,
    onMeasuring() {
      before = look();
      timer = setTimeout(() => {
        after = look();
      }, durationMs);
    },
  });
  clearTimeout(timer);
  const [from, to] = await Promise.all([before, after ?? look()]);
  const spent = { cpuS: to.cpuS - from.cpuS, serverCpuS: to.serverCpuS - from.serverCpuS };
  return readingOf(tally.latency, tally.errorCount, { ms: durationMs, ...spent });
}
