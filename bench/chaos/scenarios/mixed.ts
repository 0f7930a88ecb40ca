import { readdir } from 'node:fs/promises';
import { Chance } from '../../../test/support/chance.ts';
import type { GatewayProcess } from '../gateway-process.ts';
import type { Pod } from '../pods.ts';
import { atMost, none, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';

/** What happens to a pod, and how long; all is well again when it resolves. */
const FAULTS: Readonly<Record<string, (pod: Pod, wait: () => Promise<void>) => Promise<void>>> = {
  restart: async (pod) => {
    await pod.end();
    await pod.start();
  },
  kill: async (pod) => {
    await pod.end('SIGKILL');
    await pod.start();
  },
  hang: async (pod, wait) => {
    pod.hang();
    await wait();
    pod.resume();
  },
  errors: async (pod, wait) => {
    await pod.order('errors');
    await wait();
    await pod.order('heal');
  },
  'reset-half': async (pod, wait) => {
    await pod.order('reset-half');
    await wait();
    await pod.order('heal');
  },
  unready: async (pod, wait) => {
    await pod.order('unready');
    await wait();
    await pod.order('heal');
  },
};

/** What a process holds. */
interface Held {
  readonly rssBytes: number;
  /** Open files and sockets, where the system tells of them. */
  readonly handles: number;
  readonly sessions: number;
  readonly streams: number;
  /** Of the event loop, since the sample before, in milliseconds. */
  readonly delayP99Ms: number;
}

const MIB = 1024 * 1024;
/** A heap that grows to what it needs, and no further, is not a leak. */
const RSS_GROWTH_BYTES = 48 * MIB;
const RSS_GROWTH_SHARE = 0.2;

/** One that was ejected again and again is left out for five minutes and a fifth at most; a check comes then. */
const LONGEST_EJECTION_MS = 370_000;

/** All kinds of load and of faults, for a long time. */
export const mixed: Scenario = {
  name: 'mixed',
  what: 'Mixed load while pods fail in all ways, by chance of a fixed seed',
  async run(pace) {
    await using stage = await Stage.open(pace);
    const gateway = await stage.gateway();
    const load = await stage.load(gateway);
    const chance = new Chance(pace.seed);
    await load.during('calm', pace.phaseMs);
    load.phase = 'faults';
    const samples: Held[] = [await held(gateway)];
    const faults: Record<string, number> = {};
    const end = performance.now() + pace.mixedMs;
    while (performance.now() < end) {
      const name = chance.of(Object.keys(FAULTS));
      faults[name] = (faults[name] ?? 0) + 1;
      await FAULTS[name]!(chance.of(stage.pods), () => load.run(pace.phaseMs));
      await load.run(pace.phaseMs / 2);
      samples.push(await held(gateway));
    }
    load.phase = 'calming';
    await gateway.until((endpoints) => endpoints.every(({ used }) => used), LONGEST_EJECTION_MS);
    await load.during('after', pace.phaseMs);
    const tally = await load.stop();
    const last = await settled(gateway);
    const { doubled } = stage.arrivals;
    // The first third is for what compilers and pools need.
    const third = Math.ceil(samples.length / 3);
    const [early, late] = [middleRss(samples.slice(third, 2 * third + 1)), middleRss(samples.slice(-third))];
    return {
      tally,
      doubled,
      claims: [
        none('failed after the faults', tally.row('after').failed),
        none('requests that came twice', doubled.length),
        none('streams open at the end', last.streams),
        atMost('sessions to pods at the end', last.sessions, samples[0]!.sessions + stage.pods.length),
        atMost('handles at the end', last.handles, samples[0]!.handles + 12),
        atMost(
          'RSS, last third',
          late / MIB,
          Math.max(early * (1 + RSS_GROWTH_SHARE), early + RSS_GROWTH_BYTES) / MIB,
          ' MiB',
        ),
      ],
      numbers: {
        faults: Object.entries(faults)
          .map(([name, count]) => `${name} ${count}`)
          .join(', '),
        RSS: `${Math.round(early / MIB)} MiB in the middle third, ${Math.round(late / MIB)} MiB in the last`,
        'handles, sessions at first and at last': `${samples[0]!.handles}, ${samples[0]!.sessions}; ${last.handles}, ${last.sessions}`,
        'event loop delay, p99, the largest and the middle of all samples': delays(samples),
      },
    };
  },
};

async function held(gateway: GatewayProcess): Promise<Held> {
  const metric = await gateway.metrics();
  return {
    rssBytes: metric('process_resident_memory_bytes'),
    sessions: metric('gatehouse_sessions_open'),
    streams: metric('gatehouse_downstream_streams_open') + metric('gatehouse_upstream_streams_open'),
    handles: await handlesOf(gateway),
    delayP99Ms: metric('gatehouse_event_loop_delay_seconds', 'quantile="0.99"') * 1000,
  };
}

/** When the last streams are over; those of calls that clients have given up on end a moment later. */
async function settled(gateway: GatewayProcess): Promise<Held> {
  const deadline = performance.now() + 5000;
  for (;;) {
    const now = await held(gateway);
    if (now.streams === 0 || performance.now() > deadline) return now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function handlesOf({ process: { child } }: GatewayProcess): Promise<number> {
  try {
    return (await readdir(`/proc/${child.pid}/fd`)).length;
  } catch {
    return 0; // no Linux
  }
}

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const middleRss = (samples: readonly Held[]): number => middle(samples.map(({ rssBytes }) => rssBytes));

function delays(samples: readonly Held[]): string {
  const all = samples.map(({ delayP99Ms }) => delayP99Ms);
  return `${Math.max(...all).toFixed(1)} ms, ${middle(all).toFixed(1)} ms`;
}
