// Latency counted from the time a request was due. A generator that waits for answers before it asks again asks nothing
// while the server stands still, and so leaves out just what was slow ("coordinated omission").
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { runPlan } from '../../bench/load/crew.ts';
import { asking, planFor } from './plans.ts';

const STALL_MS = 200;

async function startServer(): Promise<{ port: number; answered: () => number } & AsyncDisposable> {
  const server = http2.createServer();
  let answered = 0;
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    stream.end('an answer');
    answered += 1;
  });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    answered: () => answered,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

/** This thread, which is the server's and not the generator's, stands still for 200 ms in every second. */
function stalling(): Disposable {
  const timer = setInterval(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS), 1000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

describe('a server that stands still for 200 ms in every second', () => {
  test('shows in the 99th percentile of an open loop, and only in the largest of a closed one', async () => {
    await using server = await startServer();
    const request = asking('/');
    using _stalls = stalling();
    const closed = await runPlan(planFor(server.port, request, { durationMs: 2500 }), { threads: 1 });
    const rate = { from: 100, to: 100 };
    const lines = { connections: 2, streams: 8, requestsPerConnection: 0, resume: false, idle: 0 };
    const open = await runPlan(planFor(server.port, request, { durationMs: 2500, rate, lines }), { threads: 1 });
    const p99 = ({ tally }: typeof open): number => tally.latency.getValueAtPercentile(99) / 1000;
    // A fifth of the time is a stall: who comes then waits for its end, a tenth of all longer than half of it.
    assert.ok(p99(open) > STALL_MS * 0.7, `open loop: p99 ${p99(open)} ms`);
    assert.ok(open.tally.latency.getValueAtPercentile(92) / 1000 > STALL_MS * 0.3);
    // One in thousands, and the percentile does not see it.
    assert.ok(closed.tally.latency.getValueAtPercentile(100) / 1000 > STALL_MS * 0.7);
    assert.ok(p99(closed) < p99(open) / 2, `closed loop: p99 ${p99(closed)} ms`);
    const p50 = closed.tally.latency.getValueAtPercentile(50) / 1000;
    assert.ok(p50 < STALL_MS / 10, `closed loop: p50 ${p50} ms`);
    // Every call that was due was counted.
    assert.equal(open.tally.answers, 250);
    assert.equal(open.tally.errorCount, 0);
  });
});

test('a closed loop counts what the server answered: no answer twice, and none left out', async () => {
  await using server = await startServer();
  const lines = { connections: 2, streams: 4, requestsPerConnection: 0, resume: false, idle: 0 };
  const plan = planFor(server.port, asking('/'), { lines, warmUpMs: 0, durationMs: 700 });
  const { tally } = await runPlan(plan, { threads: 1 });
  assert.equal(tally.errorCount, 0);
  // Those that were on their way when time was up are nobody's.
  const beside = server.answered() - tally.answers;
  assert.ok(tally.answers > 0 && beside >= 0 && beside <= 2 * 4, `${tally.answers} of ${server.answered()}`);
});
