// A server that cannot do what is asked: what waits is told as latency, or as an error, and is not kept in memory for ever.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Backlog, MOST_WAITING } from '../../bench/load/backlog.ts';
import { Call } from '../../bench/load/call.ts';
import { runPlan } from '../../bench/load/crew.ts';
import type { Plan } from '../../bench/load/plan.ts';
import { type Result, resultOf } from '../../bench/load/result.ts';
import { remarks } from '../../bench/load/table.ts';
import { asking, planFor } from './plans.ts';

/** Answers one request after the other, each after so many milliseconds. */
async function slowServer(eachMs: number): Promise<{ port: number } & AsyncDisposable> {
  const server = http2.createServer();
  const waiting: http2.ServerHttp2Stream[] = [];
  let timer: NodeJS.Timeout | undefined;
  // The time that is missed is made good, so that the rate is the same on a busy machine.
  let next = 0;
  const serve = (): void => {
    timer = undefined;
    for (; waiting.length > 0 && next <= performance.now(); next += eachMs) {
      const stream = waiting.shift()!;
      if (stream.destroyed) continue;
      stream.respond({ ':status': 200 });
      stream.end('an answer');
    }
    if (waiting.length > 0) timer = setTimeout(serve, Math.max(1, next - performance.now()));
  };
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => {});
    if (waiting.length === 0) next = Math.max(next, performance.now() + eachMs);
    waiting.push(stream);
    timer ??= setTimeout(serve, eachMs);
  });
  const sessions = new Set<http2.ServerHttp2Session>();
  let closed = false;
  server.on('session', (session) => {
    sessions.add(session.on('error', () => {}));
    if (closed) session.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      closed = true;
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

async function resultFor(plan: Plan): Promise<Result> {
  const about = { scenario: 's', server: 'slow', round: 0, threads: 1, notCompared: [] };
  return resultOf(plan, await runPlan(plan, { threads: 1 }), { ...about, before: undefined, after: undefined });
}

describe('a server that is slower than the rate', () => {
  // 100 a second, of 200 that are due: who is due last, after a second, waits for another second.
  const rate = { from: 200, to: 200 };
  const lines = { connections: 1, streams: 4, requestsPerConnection: 0, resume: false, idle: 0 };

  test('has latencies that grow for as long as it is asked, which is said', async () => {
    await using server = await slowServer(10);
    const plan = planFor(server.port, asking('/'), { rate, lines, warmUpMs: 0, durationMs: 1000, timeoutMs: 20_000 });
    const result = await resultFor(plan);
    assert.equal(result.errors, 0);
    assert.equal(result.answers, 200, 'all that was due was waited for');
    const p50s = result.course.intervals.map(({ p50Ms }) => p50Ms);
    assert.ok(p50s.at(-1)! > 700 && p50s.at(-1)! > 2 * p50s[2]!, `${p50s}`);
    assert.ok(result.latencyMs.p99 > 700);
    // What a generator without a schedule would say: how long the four that are on their way take.
    assert.ok(result.serviceMs.p50 < result.latencyMs.p99 / 4, `${result.serviceMs.p50}`);
    assert.match(remarks([result]).join('\n'), /p50 went from .* the server did not keep up with the rate/);
  });

  test('has errors in place of what waits longer than anybody would', async () => {
    await using server = await slowServer(10);
    const plan = planFor(server.port, asking('/'), { rate, lines, warmUpMs: 0, durationMs: 1000, timeoutMs: 300 });
    const { answers, errors, errorKinds } = await resultFor(plan);
    assert.equal(answers + errors, 200, 'every call that was due was counted');
    assert.ok(answers > 0 && errors > 0, `${answers} answers, ${errors} errors`);
    assert.ok(errorKinds['no room']! > 0, JSON.stringify(errorKinds));
  });

  test('shows where a ramp meets its limit', async () => {
    await using server = await slowServer(5);
    // It meets 200 a second at half of the time.
    const ramp = { from: 20, to: 380 };
    const plan = planFor(server.port, asking('/'), {
      rate: ramp,
      lines,
      warmUpMs: 0,
      durationMs: 2000,
      timeoutMs: 20_000,
    });
    const result = await resultFor(plan);
    assert.equal(result.errors, 0);
    assert.ok(Math.abs(result.answers - 400) <= 1, `${result.answers}`);
    const { intervals } = result.course;
    const of = (from: number, to: number): number => {
      const some = intervals.slice(intervals.length * from, intervals.length * to);
      return some.reduce((sum, { p50Ms }) => sum + p50Ms, 0) / some.length;
    };
    assert.ok(of(0.75, 1) > 3 * of(0.1, 0.4), `${of(0.1, 0.4)} ms before, ${of(0.75, 1)} ms after`);
  });
});

describe('what waits for room', () => {
  const call = (due: number): Call => new Call(asking('/'), due, '');

  test('leaves in the order it came, and is not kept when it has left, also where some always wait', () => {
    const backlog = new Backlog();
    let [added, taken] = [0, 0];
    for (let round = 0; round < 50_000; round += 1) {
      backlog.add(call(added++));
      if (round % 100 !== 0) assert.equal(backlog.take()!.due, taken++);
      assert.ok(backlog.kept <= 2 * backlog.size + 1024);
    }
    assert.equal(backlog.size, 500);
    assert.equal(backlog.oldest!.due, taken);
    while (backlog.take() !== undefined) taken += 1;
    assert.deepEqual([taken, backlog.kept, backlog.oldest], [added, 0, undefined]);
  });

  test('is so many calls at most', () => {
    const backlog = new Backlog();
    const one = call(0);
    for (let i = 0; i < MOST_WAITING; i += 1) assert.ok(backlog.add(one));
    assert.equal(backlog.add(one), false);
    assert.equal(backlog.size, MOST_WAITING);
  });
});
