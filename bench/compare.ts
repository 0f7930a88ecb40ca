/**
 * Two revisions side by side: `npm run bench:compare -- REV`. The gateway of this checkout and the one of REV take turns,
 * each in front of a stand-in, so that what else the machine does hits both; medians of the rounds are compared. In the
 * results the gateway of REV has the name `old`.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { shownArguments, shownCommand } from './load/command-line.ts';
import { comparisons, turns } from './load/comparison.ts';
import { comparisonTable, LEGEND } from './load/comparison-table.ts';
import { thisMachine } from './load/machine.ts';
import { measure, type Server } from './load/measure.ts';
import { Probe } from './load/probe.ts';
import { ProgressLine } from './load/progress-line.ts';
import type { Result, ResultFile } from './load/result.ts';
import { readScenarios, type Scenario } from './load/scenario.ts';
import { targetOf } from './load/target.ts';
import { fromMetrics } from './load/vitals.ts';
import { type Ground, startGround } from './stage/ground.ts';

const ROOT = join(import.meta.dirname, '..');
const USAGE = `Usage: npm run bench:compare -- REV [options]

  --scenario A,B   (grpc-unary,grpc-web-unary,rest-json,console-warm)
  --rounds N       pairs of measurements for each (3)
  --warm-up S      (2)
  --duration S     seconds of each measurement (5)
  --json FILE      writes all results there, for bench:report
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: 'string', default: 'grpc-unary,grpc-web-unary,rest-json,console-warm' },
    rounds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '2' },
    duration: { type: 'string', default: '5' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const [revision] = positionals;
if (values.help) say(USAGE.trimEnd());
else if (revision === undefined || positionals.length > 1) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else await compare(revision);

async function compare(wanted: string): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const git = (...args: string[]): string => execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).trim();
  const commit = git('rev-parse', '--verify', `${wanted}^{commit}`);
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-revision-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  // The files only: no worktree is registered, so nothing is left in the repository if this is killed.
  execFileSync('sh', ['-c', `git -C "$0" archive "$1" | tar -x -C "$2"`, ROOT, commit, folder]);
  // Packages are those of now, for both.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const startedAt = new Date().toISOString();
  const machine = thisMachine(ROOT);
  const old = stack.use(await startGround({ root: folder }));
  const now = stack.use(await startGround({ cores: old.cores }));
  const sides = [
    { name: 'gatehouse', ground: now },
    { name: 'old', ground: old },
  ];
  const sharing = now.cores === undefined ? 'not pinned' : 'the two share one core in turn';
  say(`gatehouse is ${machine.revision ?? 'this checkout'}, old is ${commit.slice(0, 12)}; ${sharing}\n`);
  const scenarios = readScenarios(values.scenario.split(','));
  const count = Number(values.rounds);
  const results: Result[] = [];
  for (const scenario of scenarios) {
    const found: Result[] = [];
    for (const { entrant, round } of turns(sides, count)) found.push(await closedLoop(scenario, entrant, round, count));
    results.push(...found);
    say(`${comparisonTable(found)}\n`);
  }
  say(LEGEND.replace('peer', 'old one'));
  if (values.json === undefined) return;
  const file: ResultFile = {
    format: 'gatehouse-bench/1',
    startedAt,
    command: shownCommand('npm run bench:compare --', shownArguments(process.argv.slice(2))),
    target: 'stand-in',
    pinned: now.cores !== undefined,
    machine,
    scenarios: scenarios.map(({ name, about }) => ({ name, about })),
    results,
    skipped: [],
    comparison: comparisons(results),
  };
  writeFileSync(values.json, `${JSON.stringify(file, null, 2)}\n`);
}

interface Side {
  readonly name: string;
  readonly ground: Ground;
}

/** One measurement, waiting for answers as fast as they come. */
async function closedLoop(scenario: Scenario, { name, ground }: Side, round: number, rounds: number): Promise<Result> {
  const { url, metricsUrl, cores } = ground;
  const target = targetOf(url, { protocol: scenario.protocol, authority: undefined, verify: false });
  const server: Server = { name, target, vitals: fromMetrics(metricsUrl, undefined) };
  using probe = new Probe(target, 10_000);
  const rehearsal = await probe.rehearse(scenario, []);
  using line = new ProgressLine(`${scenario.name}, ${name}, round ${round} of ${rounds}`);
  const effort = {
    warmUpMs: Number(values['warm-up']) * 1000,
    durationMs: Number(values.duration) * 1000,
    timeoutMs: 10_000,
    threads: 1,
    spin: cores?.loadAlone ?? false,
    seed: 1,
    connections: undefined,
    streams: undefined,
  };
  const onProgress = (answers: number, errors: number) => line.show(answers, errors);
  return await measure({ scenario, rehearsal, server, rate: undefined, effort, round, onProgress });
}
