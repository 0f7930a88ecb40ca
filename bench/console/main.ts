/**
 * The Console through the gateway, nginx, Caddy, HAProxy and a bare Node server, side by side on one core each:
 * `node bench/console/main.ts`. Over TLS and HTTP/2 on loopback; the other core is h2load's and the origin's.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  CASES,
  type Case,
  contest,
  type Entrant,
  enter,
  type Ground,
  OTHER_CORE,
  prepare,
  SERVER_CORE,
} from './contest.ts';
import type { Measure } from './load.ts';
import { type LoopDelay, loopDelay } from './loop-delay.ts';
import { PEERS } from './peers/index.ts';
import { profile } from './profile.ts';
import { caseTable, lacking, requirements, table } from './report.ts';

const USAGE = `Usage: node bench/console/main.ts [options]

  --seconds N      time of each measure (3)
  --rounds N       rounds that count; one more comes first (3)
  --only A,B       only these: ${PEERS.map(({ name }) => name).join(', ')}
  --cases A,B      only these: ${CASES.join(', ')}
  --no-loop-delay  without the delay of the event loop while variants are made
  --json FILE      writes the results there, too
  --profile CASE   a CPU profile of the gateway in one case, and nothing else
`;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: PEERS.map(({ name }) => name).join(',') },
    cases: { type: 'string', default: CASES.join(',') },
    'loop-delay': { type: 'boolean', default: true },
    json: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
  allowNegative: true,
});

const TITLES: Readonly<Record<Case, string>> = {
  bundle: 'The main bundle, 1.6 MB',
  small: 'A small file, 2 KiB of JSON',
  page: 'All files of the Console in turn',
};

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const seconds = whole('seconds', values.seconds);
const rounds = whole('rounds', values.rounds);

if (values.help) process.stdout.write(USAGE);
else if (cpus().length < 2) throw new Error('the bench wants two cores: one for the server, one for the load');
else await inFolder(values.profile === undefined ? compare : profiled);

/** A folder for the run; profiles stay in it. */
async function inFolder(work: (ground: Ground) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  // However it ends: by a signal, too.
  if (values.profile === undefined) process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  say('making certificate, files and their codings …');
  await using ground = await prepare(folder);
  await work(ground);
}

async function profiled(ground: Ground): Promise<void> {
  const { file, note, measure, lines } = await profile(ground, oneCase(values.profile!), seconds);
  if (note !== undefined) say(`gatehouse: ${note}`);
  say(`${Math.round(measure.answersPerS)} answers/s under the profiler\n${lines.join('\n')}\n\n${file}`);
}

async function compare(ground: Ground): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const entrants: Entrant[] = [];
  const absent: Record<string, string> = {};
  for (const name of values.only.split(',')) {
    const peer = PEERS.find((one) => one.name === name);
    if (peer === undefined) throw new Error(`--only: no '${name}'\n${USAGE}`);
    const entrant = await enter(peer, ground);
    if (typeof entrant === 'string') {
      absent[name] = entrant;
      say(`${name}: left out: ${entrant}`);
      continue;
    }
    entrants.push(stack.use(entrant));
    say(`${name}: ${peer.what}: ready${entrant.note === undefined ? '' : `, but ${entrant.note}`}`);
  }
  const lacks = lacking(entrants);
  if (lacks.length > 0) say(`node: sends less than the gateway: without ${lacks.join(', ')}`);
  const results = new Map<Case, ReadonlyMap<string, Measure>>();
  for (const what of values.cases.split(',').map(oneCase)) {
    const measures = await contest(entrants, ground, what, { rounds, seconds });
    results.set(what, measures);
    say(`\n${TITLES[what]}\n${caseTable(what, entrants, measures)}`);
  }
  const delays: LoopDelay[] = [];
  if (values['loop-delay'] && entrants.some(({ peer }) => peer.name === 'gatehouse')) {
    for (const cores of [SERVER_CORE, `${SERVER_CORE},${OTHER_CORE}`]) delays.push(await loopDelay(ground, cores));
    const head = [
      'event loop while variants are made',
      'p50 ms',
      'p99 ms',
      'max ms',
      'p99 ms at rest',
      'small file p99 ms',
      'took ms',
    ];
    const rows = delays.map(({ cores, p50Ms, p99Ms, maxMs, restP99Ms, answerP99Ms, tookMs, made }) => [
      `core ${cores}${made ? '' : ' (not made)'}`,
      ...[p50Ms, p99Ms, maxMs, restP99Ms, answerP99Ms].map((ms) => ms.toFixed(1)),
      tookMs.toFixed(0),
    ]);
    say(`\n${table([head, ...rows])}`);
  }
  const asked = requirements(entrants, results, delays);
  say('');
  for (const { what, wanted, found, passed } of asked) {
    say(`${passed === undefined ? '----' : passed ? 'pass' : 'FAIL'}  ${what}: ${found} (wanted: ${wanted})`);
  }
  if (values.json !== undefined) {
    const machine = { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version };
    const servers = entrants.map(({ peer, note, bytes, coding }) => ({
      name: peer.name,
      what: peer.what,
      note,
      bytes,
      coding,
    }));
    const cases = Object.fromEntries([...results].map(([name, measures]) => [name, Object.fromEntries(measures)]));
    const all = { machine, seconds, rounds, servers, absent, cases, delays, requirements: asked };
    writeFileSync(values.json, `${JSON.stringify(all, null, 2)}\n`);
  }
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name}: expected a whole number above 0, got '${text}'`);
  return value;
}

function oneCase(name: string): Case {
  const found = CASES.find((one) => one === name);
  if (found === undefined) throw new Error(`expected a case (${CASES.join(', ')}), got '${name}'`);
  return found;
}
