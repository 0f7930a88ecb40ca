/** How late the event loop of the gateway is while it makes the variants of a Console that it has never seen. */

import { setTimeout as wait } from 'node:timers/promises';
import { startPeer } from '../peers/peer.ts';
import type { Ground } from './contest.ts';
import { gatehouse } from './peers/gatehouse.ts';
import { Probe } from './probe.ts';

const GIVE_UP_MS = 120_000;
/** A small file is asked for so often while the variants are made, in milliseconds. */
const PACE_MS = 5;
/** How long the same is measured when nothing is made any more, in milliseconds. */
const REST_MS = 5000;

/** What was seen, in milliseconds. */
export interface LoopDelay {
  readonly cores: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** From the first request to the last variant. */
  readonly tookMs: number;
  /** Whether the variants were there in the end. */
  readonly made: boolean;
  /** The 99th percentile afterwards, asked in the same way: what the machine and its other work do. */
  readonly restP99Ms: number;
  /** Times of answers of a small file meanwhile. */
  readonly answerP99Ms: number;
}

/** Starts a gateway of its own on these cores, asks for all files at once and measures until the variants are there. */
export async function loopDelay(ground: Ground, cores: string): Promise<LoopDelay> {
  const setup = await ground.setup(`loop-delay-${cores.replaceAll(',', '-')}`);
  await using _server = await startPeer(gatehouse, setup, cores);
  await using probe = new Probe(setup.port);
  const { files, small } = ground.site;
  await probe.ask(small.path);
  // To read it is to begin anew.
  await wait(500);
  await readDelay(setup.adminPort);
  const started = performance.now();
  const asked = Promise.all(files.map(({ path }) => probe.ask(path)));
  const missing = new Set(files.map(({ path }) => path));
  const times: number[] = [];
  await asked;
  let looked = performance.now();
  while (missing.size > 0 && performance.now() - started < GIVE_UP_MS) {
    const begun = performance.now();
    await probe.ask(small.path);
    times.push(performance.now() - begun);
    await wait(PACE_MS);
    if (performance.now() - looked < 250) continue;
    for (const path of missing) {
      const { sized, cacheStatus } = await probe.ask(path);
      if (!sized || !/\bhit\b/.test(cacheStatus)) break;
      missing.delete(path);
    }
    looked = performance.now();
  }
  const delay = await readDelay(setup.adminPort);
  const tookMs = performance.now() - started;
  for (const begun = performance.now(); performance.now() - begun < REST_MS; await wait(PACE_MS)) {
    await probe.ask(small.path);
  }
  const { p99Ms: restP99Ms } = await readDelay(setup.adminPort);
  times.sort((a, b) => a - b);
  return {
    cores,
    ...delay,
    tookMs,
    restP99Ms,
    made: missing.size === 0,
    answerP99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}

async function readDelay(port: number) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const of = (quantile: string): number => {
    const found = new RegExp(
      `^gatehouse_event_loop_delay_seconds\\{[^}]*quantile="${quantile}"[^}]*\\} (\\S+)$`,
      'm',
    ).exec(text);
    if (found === null) throw new Error(`/metrics has no gatehouse_event_loop_delay_seconds of quantile ${quantile}`);
    return Number(found[1]) * 1000;
  };
  return { p50Ms: of('0.5'), p99Ms: of('0.99'), maxMs: of('1') };
}
