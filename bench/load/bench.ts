/** The bench: scenarios measured one after the other, told as they end, and judged. */

import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { parseArgs } from 'node:util';
import { thisMachine } from './machine.ts';
import { type Effort, measure, type Server } from './measure.ts';
import { type BenchOptions, readOptions } from './options.ts';
import type { Rate } from './plan.ts';
import { Probe, type Rehearsal } from './probe.ts';
import { ProgressLine } from './progress-line.ts';
import type { Result, ResultFile, Skipped } from './result.ts';
import { readScenarios, type Scenario, scenarioNames } from './scenario.ts';
import { addedTable, millis, remarks, resultTable } from './table.ts';
import { targetOf } from './target.ts';
import { exceeded } from './threshold.ts';
import { fromMetrics, fromProc, type VitalSigns } from './vitals.ts';

/** Why a scenario is left out that nobody can expect. */
const NOT_HERE = 'only the stand-in has this';
const USUAL_SHARE = 0.25;
/** Above the rate of an open loop there is none, whatever the closed one reached. */
const LEAST_RATE = 1;

/** What is measured, and what of it is ours to know. */
interface Subject extends AsyncDisposable {
  readonly url: string;
  readonly direct: string | undefined;
  readonly vitals: VitalSigns | undefined;
  readonly insecure: boolean;
  readonly standIn: boolean;
  readonly pinned: boolean;
  readonly loadAlone: boolean;
}

/**
 * Runs it with the options of the command line; gives the exit code: 1 beyond a bound, or where a scenario
 * could not be measured, or nothing was right.
 */
export async function runBench(values: ReturnType<typeof parseArgs>['values']): Promise<number> {
  const options = readOptions(values);
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  if (options.list) {
    const scenarios = readScenarios(scenarioNames());
    const width = Math.max(...scenarios.map(({ name }) => name.length));
    for (const { name, about } of scenarios) say(`${name.padEnd(width)}  ${about}`);
    return 0;
  }
  const scenarios = readScenarios(options.scenarios.length > 0 ? options.scenarios : scenarioNames());
  const startedAt = new Date().toISOString();
  await using subject = await subjectOf(options);
  const machine = thisMachine();
  say(`Gatehouse bench of ${subject.url}${subject.standIn ? ', in front of the stand-in for ZITADEL' : ''}`);
  say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, revision ${machine.revision ?? 'unknown'}`);
  if (subject.standIn && !subject.pinned) say('Nothing is pinned: gateway, stand-in and load share all cores.');
  else if (subject.standIn && !subject.loadAlone) say('The stand-in and the load share a core.');
  say('');
  const results: Result[] = [];
  const skipped: Skipped[] = [];
  for (const scenario of scenarios) {
    const found = await measureScenario(scenario, subject, options, say);
    results.push(...found.results);
    skipped.push(...found.skipped);
  }
  say(`\n${resultTable(results)}\nLatencies in milliseconds.`);
  const added = addedTable(results);
  if (added !== undefined) say(`\n${added}`);
  for (const { scenario, server, why } of skipped) say(`${scenario}, ${server}: left out: ${why}`);
  for (const line of remarks(results)) say(line);
  if (options.json !== undefined) {
    const file: ResultFile = {
      format: 'gatehouse-bench/1',
      startedAt,
      command: ['gatehouse', 'bench', ...shownArguments(process.argv.slice(2))].join(' '),
      target: subject.standIn ? 'stand-in' : subject.url,
      pinned: subject.pinned,
      machine,
      results,
      skipped,
    };
    writeFileSync(options.json, `${JSON.stringify(file, null, 2)}\n`);
  }
  const beyond = exceeded(options.failIf, results, options.baseline?.results);
  for (const line of beyond) say(`FAIL  ${line}`);
  const unmeasured = skipped.some(({ server, why }) => server === 'gatehouse' && why !== NOT_HERE);
  return beyond.length > 0 || unmeasured || results.every(({ answers }) => answers === 0) ? 1 : 0;
}

/** Without the values of headers, which may be tokens; also of a call as `gatehouse bench`. */
function shownArguments(args: readonly string[]): string[] {
  const own = args[0] === 'bench' ? args.slice(1) : args;
  return own.map((arg, index) => {
    if (own[index - 1] === '--header') return arg.replace(/:.*/s, ':…');
    return arg.replace(/^(--header=[^:]*):.*/s, '$1:…');
  });
}

async function subjectOf(options: BenchOptions): Promise<Subject> {
  const { target, direct, metrics, pid, insecure } = options;
  const token = process.env.GATEHOUSE_ADMIN_TOKEN;
  if (target !== undefined) {
    if (direct === 'stand-in') throw new Error('--direct: the stand-in runs without --target only');
    const vitals = metrics !== undefined ? fromMetrics(metrics, token) : pid !== undefined ? fromProc(pid) : undefined;
    // A mistake in an address is told now, and not by dashes in a table.
    if (vitals !== undefined) await vitals();
    const known = { url: target, direct, vitals, insecure, standIn: false, pinned: false, loadAlone: true };
    return { ...known, async [Symbol.asyncDispose]() {} };
  }
  const { startGround } = await import('../stage/ground.ts').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error('--target URL is needed: the stand-in for ZITADEL is not in the container');
  });
  const ground = await startGround();
  return {
    url: ground.url,
    direct: direct === 'stand-in' ? ground.standInUrl : direct,
    vitals: fromMetrics(ground.metricsUrl, undefined),
    insecure: true,
    standIn: true,
    pinned: ground.cores !== undefined,
    loadAlone: ground.cores?.loadAlone ?? false,
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  };
}

async function measureScenario(
  scenario: Scenario,
  subject: Subject,
  options: BenchOptions,
  say: (text: string) => void,
): Promise<{ results: Result[]; skipped: Skipped[] }> {
  const results: Result[] = [];
  const skipped: Skipped[] = [];
  const skip = (server: string, why: string): void => {
    skipped.push({ scenario: scenario.name, server, why });
    say(`${scenario.name}, ${server}: left out: ${why}`);
  };
  const left = { results, skipped };
  if (scenario.needs === 'stand-in' && !subject.standIn) {
    skip('gatehouse', NOT_HERE);
    return left;
  }
  const gatehouse = serverOf('gatehouse', subject.url, scenario, subject, options);
  const rehearsed = await rehearsal(gatehouse, scenario, options).catch((error: Error) => error.message);
  if (typeof rehearsed === 'string') {
    skip('gatehouse', rehearsed);
    return left;
  }
  const one = async (server: Server, rate: Rate | undefined, what: Rehearsal): Promise<Result> => {
    using line = new ProgressLine(`${scenario.name}, ${server.name}, ${rate === undefined ? 'closed' : 'open'} loop`);
    const effort = effortOf(options, subject);
    const onProgress = (answers: number, errors: number) => line.show(answers, errors);
    const result = await measure({ scenario, rehearsal: what, server, rate, effort, onProgress });
    results.push(result);
    return result;
  };
  const tell = ({ server, loop, rps, latencyMs: { p50, p99 }, errors }: Result): void => {
    const numbers = `${Math.round(rps)} req/s, p50 ${millis(p50)} ms, p99 ${millis(p99)} ms, ${errors} errors`;
    say(`${scenario.name}, ${server}, ${loop} loop: ${numbers}`);
  };
  let knee: number | undefined;
  let rate: Rate | undefined;
  if (options.loops.includes('closed') || needsKnee(scenario, options)) {
    const result = await one(gatehouse, undefined, rehearsed);
    knee = result.rps;
    tell(result);
  }
  if (options.loops.includes('open')) {
    rate = rateOf(scenario, options, knee ?? 0);
    tell(await one(gatehouse, rate, rehearsed));
  }
  if (subject.direct === undefined) return left;
  const refused = scenario.requests.some(({ expect }) => expect.status.every((status) => status >= 400));
  if (refused) {
    skip('direct', 'what it expects is an answer of the gateway');
    return left;
  }
  const direct = serverOf('direct', subject.direct, scenario, { ...subject, vitals: undefined }, options);
  const same = await rehearsal(direct, scenario, options).catch((error: Error) => error.message);
  if (typeof same === 'string') skip('direct', same);
  else tell(await one(direct, rate, same));
  return left;
}

async function rehearsal(server: Server, scenario: Scenario, { timeoutMs, headers }: BenchOptions): Promise<Rehearsal> {
  using probe = new Probe(server.target, timeoutMs);
  return await probe.rehearse(scenario, headers);
}

function serverOf(name: string, url: string, scenario: Scenario, subject: Subject, options: BenchOptions): Server {
  // The upstream is asked for the host that the gateway was asked for: links and issuers are made of it.
  const authority = options.host ?? (name === 'direct' ? new URL(subject.url).host : undefined);
  const target = targetOf(url, { protocol: scenario.protocol, authority, verify: !subject.insecure });
  return { name, target, vitals: subject.vitals };
}

function needsKnee(scenario: Scenario, { rate, loops }: BenchOptions): boolean {
  if (!loops.includes('open')) return false;
  return rate === undefined ? scenario.rate === undefined : 'share' in rate;
}

function rateOf(scenario: Scenario, { rate }: BenchOptions, knee: number): Rate {
  if (rate !== undefined && 'from' in rate) return rate;
  if (rate === undefined && scenario.rate !== undefined) return { from: scenario.rate, to: scenario.rate };
  const perS = Math.max(LEAST_RATE, Math.round(knee * (rate?.share ?? USUAL_SHARE)));
  return { from: perS, to: perS };
}

function effortOf(options: BenchOptions, { loadAlone, standIn }: Subject): Effort {
  const { warmUpMs, durationMs, timeoutMs, connections, streams, seed } = options;
  // On a machine with the server, two threads less than cores: gateway and upstream have theirs.
  const spare = availableParallelism() - (standIn && !loadAlone ? 2 : 0);
  return {
    warmUpMs,
    durationMs,
    timeoutMs,
    connections,
    streams,
    seed,
    threads: options.threads ?? Math.max(1, Math.min(spare, 4)),
    spin: options.spin ?? (standIn && loadAlone),
  };
}
