/**
 * The generator of the bench against h2load and ghz: `npm run bench:cross-check`. The same closed loop on the same
 * server, in turn, round after round, so that what else the machine does hits all of them.
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { build } from '../../test/conformance/go-tools.ts';
import { find } from '../../test/support/programs.ts';
import { thisMachine } from '../load/machine.ts';
import type { PlannedRequest } from '../load/plan.ts';
import { Probe } from '../load/probe.ts';
import { ProgressLine } from '../load/progress-line.ts';
import { readScenarios, type Scenario } from '../load/scenario.ts';
import { targetOf } from '../load/target.ts';
import { ghzAt } from './ghz.ts';
import { h2loadAt } from './h2load.ts';
import { OWN_TOOL } from './own-tool.ts';
import { SERVERS, type ServerName, startServers } from './servers.ts';
import { crossTable, type Readings } from './table.ts';
import type { Reading, Task, Tool } from './tool.ts';

const SCENARIOS = 'rest-json,rest-json-h1,console-warm,grpc-unary,connect-unary';
const USAGE = `Usage: npm run bench:cross-check -- [options]

  --scenario A,B   the first request of each (${SCENARIOS})
  --server A,B     limit (answers at once: what generators can do), stand-in, gatehouse (${SERVERS.join()})
  --rounds N       measurements by each tool (3)
  --warm-up S      (1)
  --duration S     seconds of each measurement (3)
  --threads N      of each generator (1)
  --json FILE      writes all readings there
`;
const SETTLE_MS = 2000;
/** What the server that answers at once has. */
const OF_THE_LIMIT = ['rest-json', 'rest-json-h1', 'grpc-unary', 'connect-unary'];

/** The tools of this machine, and what is said of those that are not there. */
async function foreignTools(): Promise<{ tools: Tool[]; missing: string[] }> {
  const tools: Tool[] = [];
  const missing: string[] = [];
  const h2load = find('h2load');
  if (h2load === undefined) missing.push('h2load: not found on PATH (Debian: nghttp2-client)');
  else tools.push(h2loadAt(h2load));
  const built = await build('ghz').catch((error: Error) => ({ skip: error.message }));
  if ('skip' in built) missing.push(`ghz: ${built.skip}`);
  else tools.push(ghzAt(built.tools.ghz));
  return { tools, missing };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      scenario: { type: 'string', default: SCENARIOS },
      server: { type: 'string', default: SERVERS.join() },
      rounds: { type: 'string', default: '3' },
      'warm-up': { type: 'string', default: '1' },
      duration: { type: 'string', default: '3' },
      threads: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const count = (name: 'rounds' | 'threads'): number => {
    if (!/^[1-9]\d*$/.test(values[name])) throw new Error(`--${name}: expected a whole number from 1`);
    return Number(values[name]);
  };
  const millis = (name: 'warm-up' | 'duration'): number => {
    if (!(Number(values[name]) > 0)) throw new Error(`--${name}: expected a number above 0`);
    return Number(values[name]) * 1000;
  };
  const servers = values.server.split(',') as ServerName[];
  const unknown = servers.find((server) => !SERVERS.includes(server));
  if (unknown !== undefined) throw new Error(`--server: no '${unknown}'; there are ${SERVERS.join(', ')}`);
  const given = { threads: count('threads'), warmUpMs: millis('warm-up'), durationMs: millis('duration') };
  const scenarios = readScenarios(values.scenario.split(','));
  const rounds = count('rounds');

  const { tools, missing } = await foreignTools();
  await using running = await startServers(servers);
  const machine = thisMachine();
  say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, revision ${machine.revision ?? 'unknown'}`);
  say(running.pinned ? 'Servers have a core of their own; generators have another.' : 'Nothing is pinned.');
  say(`Middle (least…most) of ${rounds} rounds; "=": no further apart than two rounds of one tool.`);
  for (const why of missing) say(`not compared with ${why}`);
  const all: { server: string; scenario: string; readings: readonly Readings[] }[] = [];
  for (const server of servers) {
    for (const scenario of scenarios) {
      if (server === 'limit' && !OF_THE_LIMIT.includes(scenario.name)) continue;
      const effort = { ...given, serverCpuS: () => running.cpuS(server) };
      const task = await taskFor(scenario, running.url(server, scenario.requests[0]!.rpc === 'grpc'), effort);
      // Once, and not counted: a process that has just begun still compiles, in threads that measurements would count.
      if (all.length === 0) await OWN_TOOL.run({ ...task, durationMs: SETTLE_MS });
      const able = [OWN_TOOL, ...tools].filter((tool) => tool.unable(task) === undefined);
      const readings = await inTurn(able, task, rounds, `${scenario.name}, ${server}`);
      all.push({ server, scenario: scenario.name, readings });
      say(`\n${scenario.name}, ${server}: ${task.connections} connections × ${task.streams}`);
      say(crossTable(readings));
    }
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ machine, missing, ...given, readings: all }, null, 2)}\n`);
  }
  return all.some(({ readings }) => readings.some(({ rounds: each }) => each.some(spoilt))) ? 1 : 0;
}

/** Numbers of wrong answers, or of none, are no numbers. */
function spoilt({ answers, errors }: Reading): boolean {
  return errors > 0 || answers === 0;
}

type Effort = Pick<Task, 'threads' | 'warmUpMs' | 'durationMs' | 'serverCpuS'>;

async function taskFor(scenario: Scenario, url: string, effort: Effort): Promise<Task> {
  const target = targetOf(url, { protocol: scenario.protocol, authority: undefined, verify: false });
  const { connections, streams } = scenario;
  // All files of a page are asked for in different orders by different tools.
  const one = { ...scenario, requests: [{ ...scenario.requests[0]!, links: false }] };
  using probe = new Probe(target, 10_000);
  const [request] = (await probe.rehearse(one, [])).requests as [PlannedRequest];
  return { target, request, connections, streams: scenario.protocol === 'h2' ? streams : 1, ...effort };
}

/** Each in its turn, the first one of each round being another. */
async function inTurn(tools: readonly Tool[], task: Task, rounds: number, title: string): Promise<Readings[]> {
  const found = tools.map(({ name }) => ({ tool: name, rounds: [] as Reading[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < tools.length; turn += 1) {
      const index = (turn + round) % tools.length;
      using _line = new ProgressLine(`${title}, ${tools[index]!.name}, round ${round + 1} of ${rounds}`);
      found[index]!.rounds.push(await tools[index]!.run(task));
    }
  }
  return found;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`cross-check: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
