/** The entry of a generator's thread: takes one plan, tells how it goes, and ends. */

import { parentPort } from 'node:worker_threads';
import { Generator } from './generator.ts';
import { IdleConnections } from './idle-connections.ts';
import type { Order, Report } from './message.ts';

const PROGRESS_MS = 250;
const port = parentPort!;
const tell = (report: Report): void => port.postMessage(report);

port.once('message', async ({ plan }: Order) => {
  using idle = new IdleConnections(plan);
  await idle.open();
  const generator = new Generator(plan);
  const timer = setInterval(() => tell({ kind: 'progress', ...generator.progress }), PROGRESS_MS);
  let [cpu, loop] = [process.threadCpuUsage(), performance.eventLoopUtilization()];
  setTimeout(() => {
    [cpu, loop] = [process.threadCpuUsage(), performance.eventLoopUtilization()];
    tell({ kind: 'measuring' });
  }, plan.warmUpMs);
  await generator.run();
  clearInterval(timer);
  const { user, system } = process.threadCpuUsage(cpu);
  tell({
    kind: 'done',
    tally: generator.tally.toSend(),
    opened: generator.opened + idle.count,
    cpuS: (user + system) / 1_000_000,
    busy: performance.eventLoopUtilization(loop).utilization,
  });
});
tell({ kind: 'ready' });
