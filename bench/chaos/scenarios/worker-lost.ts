import type { LogLine } from '../../../test/support/started-process.ts';
import { none, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';

const WORKERS = 2;
/** A client notices the end of its connection so much later at the most; what it sends until then is lost with it. */
const NOTICED_MS = 250;
/** The first ends by an exception, and lets its connections end for so long. */
const FAILING_MS = 2000;

/** Each worker thread is killed once. */
export const workerLost: Scenario = {
  name: 'worker-lost',
  what: 'Both worker threads are killed, one after the other',
  async run(pace) {
    await using stage = await Stage.open(pace);
    const config = stage.config({}, { workers: WORKERS });
    const gateway = await stage.gateway(config, 'gateway', [new URL('../kill-workers.ts', import.meta.url).href]);
    const load = await stage.load(gateway);
    await load.during('calm', pace.phaseMs);
    /** From the order to when all its connections were gone. */
    const kills: { readonly from: number; readonly to: number }[] = [];
    const told = new Set<LogLine>();
    for (let worker = 1; worker <= WORKERS; worker += 1) {
      load.phase = `worker ${worker} killed`;
      const before = await gateway.metrics();
      const from = performance.now();
      gateway.process.signal('SIGUSR2');
      told.add(await gateway.line((line) => line.event === 'worker_lost' && !told.has(line)));
      kills.push({ from, to: performance.now() + (worker === 1 ? FAILING_MS : 0) });
      await gateway.risen('gatehouse_worker_restarts_total', '', before('gatehouse_worker_restarts_total'));
      await gateway.line((line) => line.event === 'worker_started' && line.worker === worker && line.restarts !== 0);
      await load.run(pace.phaseMs);
    }
    await load.during('after', pace.phaseMs);
    const tally = await load.stop();
    const wasLost = ({ at, ms }: { at: number; ms: number }): boolean =>
      kills.some(({ from, to }) => at <= to + NOTICED_MS && at + ms >= from);
    const { doubled } = stage.arrivals;
    return {
      tally,
      doubled,
      claims: [
        none(
          'requests that failed and were not in flight at a kill',
          tally.failures.filter((one) => !wasLost(one)).length,
        ),
        none('failed when both were replaced', tally.row('after').failed),
        none('requests that came twice', doubled.length),
        { what: 'the process lives', found: String(await gateway.ready()), holds: await gateway.ready() },
      ],
      numbers: { 'lost with the connections of a killed worker': tally.failures.filter(wasLost).length },
    };
  },
};
