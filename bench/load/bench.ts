/** The bench: scenarios measured one after the other, told as they end, and judged. */

import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { parseArgs } from 'node:util';
import { shownArguments, shownCommand } from './command-line.ts';
import { commonKnee, comparisons, middles, turns } from './comparison.ts';
import { comparisonTable, LEGEND } from './comparison-table.ts';
import { differing, type Entrant } from './entrant.ts';
import { thisMachine } from './machine.ts';
import { type Effort, measure, type Server } from './measure.ts';
import { type BenchOptions, readOptions } from './options.ts';
import type { Rate } from './plan.ts';
import { Probe, type Rehearsal } from './probe.ts';
import { ProgressLine } from './progress-line.ts';
import type { Result, ResultFile, Skipped } from './result.ts';
import { readScenarios, type Scenario, scenarioNames } from './scenario.ts';
import { type Subject, subjectOf } from './subject.ts';
import { addedTable, millis, remarks, resultTable } from './table.ts';
import { ONE_TLS, targetOf } from './target.ts';
import { exceeded } from './threshold.ts';

/** Why a scenario is left out that nobody can expect. */
const NOT_HERE = 'only the stand-in has this';
const USUAL_SHARE = 0.25;
/** Above the rate of an open loop there is none, whatever the closed one reached. */
const LEAST_RATE = 1;

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
  const { running = [], absent = [] } = subject.rivals ?? {};
  for (const { name, what } of running) say(`Against ${name}: ${what}.`);
  for (const { name, why } of absent) say(`Without ${name}: ${why}.`);
  say('');
  const results: Result[] = [];
  const skipped: Skipped[] = absent.map(({ name, why }) => ({ scenario: 'all', server: name, why }));
  for (const scenario of scenarios) {
    const found = await measureScenario(scenario, subject, options, say);
    results.push(...found.results);
    skipped.push(...found.skipped);
  }
  const medians = middles(results);
  say(`\n${resultTable(medians)}\nLatencies in milliseconds.`);
  if (running.length > 0) say(`\n${comparisonTable(results)}\n${LEGEND}`);
  const added = addedTable(medians);
  if (added !== undefined) say(`\n${added}`);
  for (const { scenario, server, why } of skipped) say(`${scenario}, ${server}: left out: ${why}`);
  for (const line of remarks(medians)) say(line);
  if (options.json !== undefined || options.html !== undefined) {
    const args = shownArguments(process.argv.slice(2));
    const file: ResultFile = {
      format: 'gatehouse-bench/1',
      startedAt,
      command: shownCommand(process.argv[2] === 'bench' ? 'gatehouse bench' : 'npm run bench --', args),
      args,
      target: subject.standIn ? 'stand-in' : subject.url,
      pinned: subject.pinned,
      machine,
      scenarios: scenarios.map(({ name, about }) => ({ name, about })),
      results,
      skipped,
      ...(running.length > 0 && { comparison: comparisons(results) }),
    };
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(file, null, 2)}\n`);
    if (options.html !== undefined) {
      const { reportPage } = await import('../report/page.ts');
      writeFileSync(options.html, reportPage(file));
    }
  }
  // Bounds are for the gateway, not for its peers.
  const own = medians.filter(({ server }) => !running.some(({ name }) => name === server));
  const beyond = exceeded(options.failIf, own, options.baseline && middles(options.baseline.results));
  for (const line of beyond) say(`FAIL  ${line}`);
  const unmeasured = skipped.some(({ server, why }) => server === 'gatehouse' && why !== NOT_HERE);
  return beyond.length > 0 || unmeasured || results.every(({ answers }) => answers === 0) ? 1 : 0;
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
  const one = async (server: Server, rate: Rate | undefined, what: Rehearsal, round = 0): Promise<Result> => {
    const which = round === 0 ? '' : `, round ${round} of ${options.rounds}`;
    using line = new ProgressLine(
      `${scenario.name}, ${server.name}, ${rate === undefined ? 'closed' : 'open'} loop${which}`,
    );
    const effort = effortOf(options, subject);
    const onProgress = (answers: number, errors: number) => line.show(answers, errors);
    const result = await measure({ scenario, rehearsal: what, server, rate, effort, round, onProgress });
    results.push(result);
    return result;
  };
  const tell = ({ server, round, loop, rps, latencyMs: { p50, p99 }, errors }: Result): void => {
    const numbers = `${Math.round(rps)} req/s, p50 ${millis(p50)} ms, p99 ${millis(p99)} ms, ${errors} errors`;
    say(`${scenario.name}, ${server}, ${loop} loop${round === 0 ? '' : `, round ${round}`}: ${numbers}`);
  };
  const entrants: Entrant[] = [{ server: gatehouse, rehearsal: rehearsed }];
  for (const { name, url, vitals, cannot } of subject.rivals?.running ?? []) {
    const server = serverOf(name, url, scenario, { ...subject, vitals }, options);
    const asked = cannot[scenario.name] ?? (await rehearsal(server, scenario, options).catch((e: Error) => e.message));
    const other = typeof asked === 'string' ? undefined : differing(rehearsed, asked);
    if (typeof asked === 'string') skip(name, asked);
    else if (other !== undefined) skip(name, `${other}: another body than through the gateway`);
    else entrants.push({ server, rehearsal: asked });
  }
  const all = async (rate: Rate | undefined): Promise<Result[]> => {
    const found: Result[] = [];
    for (const { entrant, round } of turns(entrants, options.rounds)) {
      const result = await one(entrant.server, rate, entrant.rehearsal, round);
      tell(result);
      found.push(result);
    }
    return found;
  };
  let knee: number | undefined;
  let rates: readonly Rate[] = [];
  if (options.loops.includes('closed') || needsKnee(scenario, options)) {
    knee = commonKnee(await all(undefined));
  }
  if (options.loops.includes('open')) {
    rates = ratesOf(scenario, options, knee ?? 0);
    for (const rate of rates) await all(rate);
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
  else for (const rate of rates.length > 0 ? rates : [undefined]) tell(await one(direct, rate, same));
  return left;
}

async function rehearsal(server: Server, scenario: Scenario, { timeoutMs, headers }: BenchOptions): Promise<Rehearsal> {
  using probe = new Probe(server.target, timeoutMs);
  return await probe.rehearse(scenario, headers);
}

function serverOf(name: string, url: string, scenario: Scenario, subject: Subject, options: BenchOptions): Server {
  // The upstream is asked for the host that the gateway was asked for: links and issuers are made of it.
  const authority = options.host ?? (url === subject.url ? undefined : new URL(subject.url).host);
  const target = targetOf(url, { protocol: scenario.protocol, authority, verify: !subject.insecure });
  const offer = subject.rivals === undefined ? {} : { offer: ONE_TLS };
  return { name, target: { ...target, ...offer }, vitals: subject.vitals };
}

function needsKnee(scenario: Scenario, { rates, loops }: BenchOptions): boolean {
  if (!loops.includes('open')) return false;
  return rates.length === 0 ? scenario.rate === undefined : rates.some((rate) => 'share' in rate);
}

function ratesOf(scenario: Scenario, { rates }: BenchOptions, knee: number): Rate[] {
  if (rates.length === 0 && scenario.rate !== undefined) return [{ from: scenario.rate, to: scenario.rate }];
  return (rates.length === 0 ? [{ share: USUAL_SHARE }] : rates).map((given) => {
    if ('from' in given) return given;
    const perS = Math.max(LEAST_RATE, Math.round(knee * given.share));
    return { from: perS, to: perS, share: given.share };
  });
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
