/**
 * The gateway under load while pods, names, configs, certificates and the gateway itself fail and change:
 * `node bench/chaos/main.ts`. Exits with 1 where something that was asked for does not hold.
 */

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Found, json, section } from './report.ts';
import { LONG, type Pace, SHORT } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

const USAGE = `Usage: node bench/chaos/main.ts [options]

  --only A,B      only these: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --short         the short times of the tests
  --minutes N     how long the mixed load lasts (30)
  --rate N        calls a second (200)
  --seed N        of all that is drawn (${LONG.seed})
  --workers N     worker threads of the gateway (0)
  --engine E      what speaks HTTP/2 to the pods: node or frames (node)
  --no-shedding   without refusals when the event loop is late: for a machine with other work
  --json FILE     writes the results there, too
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    rate: { type: 'string' },
    seed: { type: 'string' },
    workers: { type: 'string' },
    engine: { type: 'string', default: 'node' },
    shedding: { type: 'boolean', default: true },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
  allowNegative: true,
});

const say = (text: string): void => void process.stdout.write(`${text}\n`);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
if (values.help) process.stdout.write(USAGE);
else await run();

async function run(): Promise<void> {
  const base = values.short ? SHORT : LONG;
  const minutes = number('minutes');
  const pace: Pace = {
    ...base,
    rate: number('rate') ?? base.rate,
    seed: number('seed') ?? base.seed,
    workers: number('workers') ?? base.workers,
    upstreamEngine: engine(),
    sheds: base.sheds && values.shedding,
    mixedMs: minutes === undefined ? base.mixedMs : minutes * 60_000,
  };
  const found: Found[] = [];
  for (const scenario of chosen()) {
    const since = performance.now();
    const finding = await scenario.run(pace);
    const one = { scenario, finding, seconds: (performance.now() - since) / 1000 };
    found.push(one);
    say(`${section(one)}\n`);
  }
  if (values.json !== undefined) await writeFile(values.json, json(found));
  const broken = found.flatMap(({ finding }) => finding.claims.filter(({ holds }) => !holds));
  say(broken.length === 0 ? 'All of it holds.' : `${broken.length} of it do not hold.`);
  if (broken.length > 0) process.exitCode = 1;
}

function chosen() {
  if (values.only === undefined) return SCENARIOS;
  return values.only.split(',').map((name) => {
    const scenario = SCENARIOS.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`--only: there is no scenario '${name}'`);
    return scenario;
  });
}

function engine(): Pace['upstreamEngine'] {
  const named = values.engine;
  if (named === 'node' || named === 'frames') return named;
  throw new Error(`--engine: expected node or frames, got '${named}'`);
}

function number(name: 'minutes' | 'rate' | 'seed' | 'workers'): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= 0)) throw new Error(`--${name}: expected a number, got '${text}'`);
  return value;
}
