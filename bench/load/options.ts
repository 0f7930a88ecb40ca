/** The options of the bench: as parseArgs takes them, as its help says them, and read. */

import { readFileSync } from 'node:fs';
import type { ParseArgsOptionsConfig, parseArgs } from 'node:util';
import type { Rate } from './plan.ts';
import type { ResultFile } from './result.ts';
import { readThresholds, type Threshold } from './threshold.ts';

type Values = ReturnType<typeof parseArgs>['values'];

export const BENCH_OPTIONS: ParseArgsOptionsConfig = {
  target: { type: 'string' },
  direct: { type: 'string' },
  scenario: { type: 'string', multiple: true, default: [] },
  loop: { type: 'string', default: 'both' },
  vs: { type: 'string', multiple: true, default: [] },
  rounds: { type: 'string' },
  'access-log': { type: 'boolean' },
  'node-flags': { type: 'string' },
  rate: { type: 'string' },
  rates: { type: 'string' },
  connections: { type: 'string' },
  streams: { type: 'string' },
  'warm-up': { type: 'string', default: '2' },
  duration: { type: 'string', default: '5' },
  timeout: { type: 'string', default: '10' },
  threads: { type: 'string' },
  seed: { type: 'string', default: '1' },
  spin: { type: 'boolean' },
  header: { type: 'string', multiple: true, default: [] },
  host: { type: 'string' },
  insecure: { type: 'boolean', default: false },
  metrics: { type: 'string' },
  pid: { type: 'string' },
  json: { type: 'string' },
  html: { type: 'string' },
  baseline: { type: 'string' },
  'fail-if': { type: 'string' },
  list: { type: 'boolean', default: false },
};

/** A line each. */
export const BENCH_HELP: readonly string[] = [
  '--target URL           what is measured: https://id.example.com, or http:// for HTTP/2 in the clear',
  '--direct URL           the upstream without the gateway, measured at the same rate; "stand-in" for that one',
  '--vs A,B               peers beside the gateway, before the same stand-in, in turn: nginx, haproxy, caddy, envoy, traefik, gatehouse-frames, bare-node, or all',
  '--rounds N             how often everyone takes its turn with --vs (3); medians are shown',
  '--access-log           every server writes a line for each request; with --vs none does if not given',
  '--node-flags FLAGS     for the Node of the gateway that is started, with commas: --node-flags=--single-threaded-gc',
  '--scenario A,B         only these, or files of your own; all if not given (--list shows them)',
  '--loop KIND            closed (as much as it takes), open (at a rate), or both',
  '--rate RATE            requests a second of the open loop: 500, 100..2000 for a ramp, or 25% of the closed loop',
  '--rates RATE,RATE      an open loop at each: 10%,25%,50%,75%,90% shows how latency grows with the load',
  '--connections N        in place of the number in the scenario; --streams N likewise',
  '--warm-up S            seconds that do not count (2)',
  '--duration S           seconds that count, of each loop (5)',
  '--timeout S            an answer that takes longer is an error (10)',
  '--threads N            threads that make the load; one for each core the load has',
  '--seed N               for the picks of mixed scenarios (1)',
  '--spin                 never sleeps in the open loop: exact, and takes whole cores; off where the load shares its core',
  '--header NAME:VALUE    a header of every request, such as authorization; may be given several times',
  '--host NAME            the name to ask for, where it is not that of the URL',
  '--insecure             takes any certificate',
  '--metrics URL          /metrics of the gateway, for its CPU, memory, event loop and GC; GATEHOUSE_ADMIN_TOKEN is sent',
  '--pid N                or the process of the server on this machine, for CPU and memory',
  '--json FILE            writes everything there',
  '--html FILE            writes a report there: one page with charts, which needs no network',
  '--baseline FILE        a file of --json to compare with',
  '--fail-if BOUNDS       ends with 1 beyond one: p99>+10%,rps<-5% against the baseline, errors>0 without',
];

/** Which rate: one, or a share of what the closed loop reached. */
export type GivenRate = Rate | { readonly share: number };

/** The options, read. */
export interface BenchOptions {
  readonly target: string | undefined;
  readonly direct: string | undefined;
  /** Peers by name; none: nobody is measured beside the gateway. */
  readonly vs: readonly string[];
  /** How often each server is measured. */
  readonly rounds: number;
  /** Undefined: as usual, which is off where peers are. */
  readonly accessLog: boolean | undefined;
  /** Of the gateway that the bench starts. */
  readonly nodeFlags: readonly string[];
  readonly scenarios: readonly string[];
  readonly loops: readonly ('closed' | 'open')[];
  /** An open loop for each, in this order; none: the scenario's, or a quarter of the knee. */
  readonly rates: readonly GivenRate[];
  readonly connections: number | undefined;
  readonly streams: number | undefined;
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly timeoutMs: number;
  readonly threads: number | undefined;
  readonly seed: number;
  readonly spin: boolean | undefined;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly host: string | undefined;
  readonly insecure: boolean;
  readonly metrics: string | undefined;
  readonly pid: number | undefined;
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly baseline: ResultFile | undefined;
  readonly failIf: readonly Threshold[];
  readonly list: boolean;
}

/** Reads them. Throws what is wrong, with the name of the option. */
export function readOptions(values: Values): BenchOptions {
  const text = (name: string): string | undefined => values[name] as string | undefined;
  const number = (name: string, least: number): number | undefined => {
    const given = text(name);
    if (given === undefined) return undefined;
    if (given.trim() === '' || !(Number(given) >= least)) throw new Error(`--${name}: expected a number from ${least}`);
    return Number(given);
  };
  const whole = (name: string): number | undefined => {
    const given = number(name, 1);
    if (given !== undefined && !Number.isInteger(given)) throw new Error(`--${name}: expected a whole number`);
    return given;
  };
  const loop = text('loop')!;
  if (!['closed', 'open', 'both'].includes(loop)) throw new Error('--loop: expected closed, open or both');
  if (text('rate') !== undefined && text('rates') !== undefined) throw new Error('--rates: not together with --rate');
  const rates = text('rates')?.split(',') ?? (text('rate') === undefined ? [] : [text('rate')!]);
  const vs = (values.vs as string[]).flatMap((one) => one.split(',')).filter((name) => name !== '');
  if (vs.length > 0 && text('target') !== undefined) {
    throw new Error('--vs: peers run before the stand-in, so not together with --target');
  }
  if (text('node-flags') !== undefined && text('target') !== undefined) {
    throw new Error('--node-flags: the gateway is started without --target only');
  }
  if (text('rounds') !== undefined && vs.length === 0) throw new Error('--rounds: goes with --vs');
  const failIf = text('fail-if') === undefined ? [] : readThresholds(text('fail-if')!);
  if (failIf.some(({ relative }) => relative) && text('baseline') === undefined) {
    throw new Error('--fail-if: a change in percent needs --baseline FILE');
  }
  return {
    target: text('target'),
    direct: text('direct'),
    vs,
    rounds: whole('rounds') ?? (vs.length === 0 ? 1 : 3),
    accessLog: values['access-log'] as boolean | undefined,
    nodeFlags: text('node-flags')?.split(',') ?? [],
    scenarios: (values.scenario as string[]).flatMap((one) => one.split(',')),
    loops: loop === 'both' ? ['closed', 'open'] : [loop as 'closed' | 'open'],
    rates: rates.map(readRate),
    connections: whole('connections'),
    streams: whole('streams'),
    warmUpMs: number('warm-up', 0)! * 1000,
    durationMs: number('duration', 0.1)! * 1000,
    timeoutMs: number('timeout', 0.1)! * 1000,
    threads: whole('threads'),
    seed: whole('seed')!,
    spin: values.spin as boolean | undefined,
    headers: (values.header as string[]).flatMap(readHeader),
    host: text('host'),
    insecure: values.insecure === true,
    metrics: text('metrics'),
    pid: whole('pid'),
    json: text('json'),
    html: text('html'),
    baseline: text('baseline') === undefined ? undefined : readResults(text('baseline')!),
    failIf,
    list: values.list === true,
  };
}

function readRate(text: string): GivenRate {
  const found = /^(\d+(?:\.\d+)?)(?:(%)|\.\.(\d+(?:\.\d+)?))?$/.exec(text);
  const [, first, percent, last = first] = found ?? [];
  if (found === null || !(Number(first) > 0) || !(Number(last) > 0)) {
    throw new Error(`--rate: expected 500, 100..2000 or 25%, got '${text}'`);
  }
  return percent === undefined ? { from: Number(first), to: Number(last) } : { share: Number(first) / 100 };
}

function readHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(':');
  if (colon < 1) throw new Error(`--header: expected NAME:VALUE, got '${text}'`);
  return [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()];
}

/** Reads a file that --json wrote. Throws where it is none. */
export function readResults(file: string): ResultFile {
  const read = JSON.parse(readFileSync(file, 'utf8')) as ResultFile;
  if (read.format !== 'gatehouse-bench/1') throw new Error(`${file}: no results of this bench`);
  return read;
}
