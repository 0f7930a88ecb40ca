import type { GatewayProcess } from '../gateway-process.ts';
import type { Pod } from '../pods.ts';
import { atMost, type Claim, none, type Pace, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';

/** A way in which one pod of three is sick. */
interface Sickness {
  readonly name: string;
  readonly begin: (pod: Pod) => unknown;
  readonly end: (pod: Pod) => unknown;
  /** When it is out of use at the latest, in milliseconds. */
  limitMs(pace: Pace): number;
}

/** How long a check waits (`health.check.timeout_ms`). */
const TIMEOUT_MS = 1000;
/** Two checks in a row that get no answer, the second one after a quarter of the interval. */
const byChecks = ({ checkMs }: Pace): number => 1.35 * checkMs + 2 * TIMEOUT_MS;
/** The window in which it begins shows it in part only; at a low rate another may hold too few answers to judge. */
const byWindows = ({ windowMs, rate }: Pace): number => (rate < 100 ? 3 : 2) * windowMs;

const SICKNESSES: readonly Sickness[] = [
  { name: 'hangs', begin: (pod) => pod.hang(), end: (pod) => pod.resume(), limitMs: byChecks },
  { name: 'answers 500', begin: (pod) => pod.order('errors'), end: (pod) => pod.order('heal'), limitMs: byWindows },
  { name: 'resets half', begin: (pod) => pod.order('reset-half'), end: (pod) => pod.order('heal'), limitMs: byWindows },
];

/** For what the machine's other work does to times, in milliseconds. */
const SLACK_MS = 500;

/** One pod of three is sick, in one way after the other. */
export const sickPods: Scenario = {
  name: 'sick-pods',
  what: 'One pod of three hangs, then one answers 500, then one resets half its streams',
  async run(pace) {
    await using stage = await Stage.open(pace);
    const gateway = await stage.gateway();
    const load = await stage.load(gateway);
    const claims: Claim[] = [];
    const numbers: Record<string, string> = {};
    await load.during('warm-up', pace.phaseMs);
    await load.during('calm', 2 * pace.phaseMs);
    for (const [index, { name, begin, end, limitMs }] of SICKNESSES.entries()) {
      const pod = stage.pods[index]!;
      load.phase = `${name}: until it is out`;
      const since = performance.now();
      await begin(pod);
      const ms = (await usedSince(gateway, pod.address, false)) - since;
      claims.push(atMost(`${name}: out of use after`, Math.round(ms), limitMs(pace) + SLACK_MS, ' ms'));
      numbers[`${name}: out after`] = `${Math.round(ms)} ms`;
      // Shorter than the ejection.
      await load.during(`${name}: the rest`, Math.min(pace.phaseMs, 0.9 * pace.ejectMs));
      load.phase = 'healing';
      await end(pod);
      const healed = performance.now();
      const back = (await usedSince(gateway, pod.address, true)) - healed;
      numbers[`${name}: back after`] = `${Math.round(back)} ms`;
    }
    const tally = await load.stop();
    const calm = tally.row('calm').p99Ms;
    for (const { name } of SICKNESSES) {
      const { failed, p99Ms } = tally.row(`${name}: the rest`);
      claims.push(none(`${name}: failed while it was out`, failed));
      claims.push({ ...atMost(`${name}: p99 of the rest`, p99Ms, Math.max(2 * calm, calm + 10), ' ms'), timing: true });
    }
    const { doubled } = stage.arrivals;
    return { tally, doubled, claims: [...claims, none('requests that came twice', doubled.length)], numbers };
  },
};

/** Waits until an endpoint is used, or is not; gives when. */
async function usedSince(gateway: GatewayProcess, address: string, used: boolean): Promise<number> {
  await gateway.until((endpoints) => endpoints.some((one) => one.name === address && one.used === used));
  return performance.now();
}
