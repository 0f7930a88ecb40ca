/**
 * Two revisions side by side: `npm run bench:compare -- REV`. The gateway of this checkout and the one of REV take turns,
 * each in front of a stand-in, so that what else the machine does hits both; medians of the rounds are compared.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { middle } from './load/comparison.ts';
import { thisMachine } from './load/machine.ts';
import { measure, type Server } from './load/measure.ts';
import { Probe } from './load/probe.ts';
import { ProgressLine } from './load/progress-line.ts';
import type { Result } from './load/result.ts';
import { readScenarios, type Scenario } from './load/scenario.ts';
import { millis } from './load/table.ts';
import { targetOf } from './load/target.ts';
import { fromMetrics } from './load/vitals.ts';
import { type Ground, startGround } from './stage/ground.ts';

const ROOT = join(import.meta.dirname, '..');
const USAGE = `Usage: npm run bench:compare -- REV [options]

  --scenario A,B   (grpc-unary,grpc-web-unary,rest-json,console-warm)
  --rounds N       pairs of measurements for each (3)
  --warm-up S      (2)
  --duration S     seconds of each measurement (5)
  --json FILE      writes all results there
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: 'string', default: 'grpc-unary,grpc-web-unary,rest-json,console-warm' },
    rounds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '2' },
    duration: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const [revision] = positionals;
if (revision === undefined || positionals.length > 1) {
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
  const old = stack.use(await startGround({ root: folder }));
  const grounds = { old, new: stack.use(await startGround({ cores: old.cores })) };
  const names = { old: commit.slice(0, 12), new: thisMachine(ROOT).revision ?? 'this checkout' };
  say(
    `old ${names.old}, new ${names.new}; ${grounds.new.cores === undefined ? 'not pinned' : 'the two share one core in turn'}\n`,
  );
  const results: Result[] = [];
  for (const scenario of readScenarios(values.scenario.split(','))) {
    const found = await rounds(scenario, grounds, Number(values.rounds));
    results.push(...found.old, ...found.new);
    say(comparison(scenario.name, found));
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ names, machine: thisMachine(ROOT), results }, null, 2)}\n`);
  }
}

interface Both<T> {
  readonly old: T;
  readonly new: T;
}

/** Old, new, old, new …, each waiting for answers as fast as they come. */
async function rounds(scenario: Scenario, grounds: Both<Ground>, count: number): Promise<Both<Result[]>> {
  const found: Both<Result[]> = { old: [], new: [] };
  for (let round = 1; round <= count; round += 1) {
    for (const side of ['old', 'new'] as const) {
      const { url, metricsUrl, cores } = grounds[side];
      const target = targetOf(url, { protocol: scenario.protocol, authority: undefined, verify: false });
      const server: Server = { name: side, target, vitals: fromMetrics(metricsUrl, undefined) };
      using probe = new Probe(target, 10_000);
      const rehearsal = await probe.rehearse(scenario, []);
      using line = new ProgressLine(`${scenario.name}, ${side}, round ${round} of ${count}`);
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
      found[side].push(await measure({ scenario, rehearsal, server, rate: undefined, effort, onProgress }));
    }
  }
  return found;
}

function comparison(name: string, found: Both<Result[]>): string {
  const row = (what: string, of: (result: Result) => number, text: (value: number) => string): string => {
    const [before, after] = [found.old, found.new].map((results) => results.map(of).toSorted((a, b) => a - b)) as [
      number[],
      number[],
    ];
    const spread = (all: number[]): string => `${text(middle(all))} (${text(all[0]!)} to ${text(all.at(-1)!)})`;
    const change = (middle(after) / middle(before) - 1) * 100;
    // Where the two spreads meet, chance would do.
    const sure = after[0]! > before.at(-1)! || after.at(-1)! < before[0]!;
    const sign = change >= 0 ? '+' : '';
    return `  ${what.padEnd(10)} old ${spread(before)}, new ${spread(after)}: ${sign}${change.toFixed(1)}%${sure ? '' : ', within the spread'}`;
  };
  const errors = [...found.old, ...found.new].reduce((sum, result) => sum + result.errors, 0);
  return [
    `${name}${errors > 0 ? `, with ${errors} errors` : ''}`,
    row(
      'req/s',
      ({ rps }) => rps,
      (value) => value.toFixed(0),
    ),
    row('p50 ms', ({ latencyMs }) => latencyMs.p50, millis),
    row('p99 ms', ({ latencyMs }) => latencyMs.p99, millis),
    row(
      'CPU s/1k',
      ({ serverCost }) => serverCost?.cpuSPer1000 ?? Number.NaN,
      (value) => value.toFixed(3),
    ),
    '',
  ].join('\n');
}
