/** One measurement: a plan carried out, with what the server spent meanwhile. */

import { runPlan } from './crew.ts';
import type { Lines, Plan, Rate, Target } from './plan.ts';
import type { Rehearsal } from './probe.ts';
import { type Result, resultOf } from './result.ts';
import type { Scenario } from './scenario.ts';
import type { VitalSigns, Vitals } from './vitals.ts';

/** A server that is measured. */
export interface Server {
  /** As results call it. */
  readonly name: string;
  readonly target: Target;
  readonly vitals: VitalSigns | undefined;
}

/** How long and how hard. */
export interface Effort {
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly timeoutMs: number;
  readonly threads: number;
  readonly spin: boolean;
  readonly seed: number;
  /** In place of the scenario's own. */
  readonly connections: number | undefined;
  readonly streams: number | undefined;
}

/** What is measured. */
export interface Measurement {
  readonly scenario: Scenario;
  readonly rehearsal: Rehearsal;
  readonly server: Server;
  readonly rate: Rate | undefined;
  readonly effort: Effort;
  /** Which of several, from 1; 0 or nothing where there is one only. */
  readonly round?: number;
  readonly onProgress: (answers: number, errors: number) => void;
}

/** Runs it. Rejects where a generator fails; wrong answers are in the result. */
export async function measure(measurement: Measurement): Promise<Result> {
  const { scenario, rehearsal, server, rate, effort, onProgress } = measurement;
  const plan: Plan = {
    target: server.target,
    lines: linesOf(scenario, rehearsal, effort),
    requests: rehearsal.requests,
    rate,
    warmUpMs: effort.warmUpMs,
    durationMs: effort.durationMs,
    timeoutMs: effort.timeoutMs,
    spin: effort.spin,
    seed: effort.seed,
  };
  // A server under load may take its time to tell how it is, or not tell at all.
  const look = (): Promise<Vitals | undefined> =>
    server.vitals?.().catch(() => undefined) ?? Promise.resolve(undefined);
  let before: Promise<Vitals | undefined> = Promise.resolve(undefined);
  let after: Promise<Vitals | undefined> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const findings = await runPlan(plan, {
    threads: effort.threads,
    onProgress,
    onMeasuring() {
      before = look();
      // Not when the last answer is here: the time that counts has an end.
      timer = setTimeout(() => {
        after = look();
      }, effort.durationMs);
    },
  });
  clearTimeout(timer);
  return resultOf(plan, findings, {
    scenario: scenario.name,
    server: server.name,
    round: measurement.round ?? 0,
    threads: Math.min(effort.threads, plan.lines.connections),
    before: await before,
    after: await (after ?? look()),
    notCompared: rehearsal.varying,
  });
}

function linesOf(scenario: Scenario, { requests }: Rehearsal, { connections, streams }: Effort): Lines {
  const perConnection = scenario.requests_per_connection;
  return {
    connections: connections ?? scenario.connections,
    streams: scenario.protocol === 'h2' ? (streams ?? scenario.streams) : 1,
    requestsPerConnection: perConnection === 'all' ? requests.length : perConnection,
    resume: scenario.resume,
    idle: scenario.idle,
  };
}
