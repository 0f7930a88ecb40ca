// A gateway with two workers as an operator has it: one process, one log, one admin listener, one end.
// Harm: lines that are lost or torn, a purge that half of the answers survive, a ban that cannot be lifted.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Status } from '../../src/process/status.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { type StartedProcess, startProcess } from '../support/started-process.ts';
import { until } from '../support/until.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const FOLDER = mkdtempSync(join(tmpdir(), 'gatehouse-workers-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

const config = (zitadel: string): string => `
workers: 2
listeners:
  - { name: clear, address: "127.0.0.1:0", external_scheme: https }
limiter: { untrusted_private_peers: enforce }
upstreams:
  zitadel: { endpoints: ["${zitadel}"] }
routes:
  - name: kept
    paths: [/kept]
    class: mine
    policies: { rate_limit: false, cache: { default_ttl_s: 600 } }
  - name: banned
    paths: [/banned]
    class: mine
    policies:
      rate_limit:
        limits:
          few: { key: [address], requests: 4, period_s: 3600, burst: 4, ban: { after: 1, within_s: 60, for_s: 600 } }
admin: { address: "127.0.0.1:0" }
shutdown: { drain_delay_ms: 0, timeout_ms: 5000 }
hints: false
`;

describe('a process with two workers', () => {
  let origin: Origin;
  let gateway: StartedProcess;
  let url: string;
  let admin: string;
  /** Kept alive, so that each keeps its connection and with it its worker. */
  const agents = [1, 2].map(() => new http.Agent({ keepAlive: true, maxSockets: 1 }));

  const ask = async (
    to: string,
    options: http.RequestOptions = {},
    body = '',
  ): Promise<{ status: number; text: string }> => {
    const request = http.request(to, options);
    request.end(body);
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const chunk of answer) text += chunk;
    return { status: answer.statusCode!, text };
  };
  const fromBoth = (path: string) => Promise.all(agents.map((agent) => ask(`${url}${path}`, { agent })));
  const told = async <T>(path: string, options?: http.RequestOptions, body?: string): Promise<T> =>
    JSON.parse((await ask(`${admin}${path}`, options, body)).text) as T;

  /** Stored answers, counted in each. */
  const stored = async (): Promise<number> => (await told<{ entries: unknown[] }>('/cache/entries')).entries.length;

  before(async () => {
    origin = await startOrigin('h2c');
    origin.play = (asked) => asked.answer(200, { 'cache-control': 'public, max-age=600' }, 'here');
    const file = join(FOLDER, 'two.yaml');
    writeFileSync(file, config(origin.address));
    gateway = startProcess(process.execPath, [MAIN, 'serve', '--config', file]);
    const at = async (listener: string): Promise<string> =>
      String((await gateway.line((line) => line.event === 'listening' && line.listener === listener)).url);
    [url, admin] = await Promise.all([at('clear'), at('admin')]);
    await gateway.line((line) => line.event === 'ready');
  });
  after(async () => {
    for (const agent of agents) agent.destroy();
    await gateway?.[Symbol.asyncDispose]();
    await origin?.[Symbol.asyncDispose]();
  });

  test('writes the lines of both into one log, each with its worker', async () => {
    await fromBoth('/kept');
    const [first, second] = await Promise.all(
      [1, 2].map((worker) => gateway.line((line) => line.event === 'exchange' && line.worker === worker)),
    );
    assert.deepEqual([first!.path, second!.path], ['/kept', '/kept']);
  });

  test('counts the requests of both in one metric, and tells their event loops apart', async () => {
    const { text } = await ask(`${admin}/metrics`);
    assert.match(text, /^gatehouse_requests_total\{route="kept",dialect="http",status="200",grpc_status=""\} 2$/m);
    for (const worker of ['main', '1', '2']) {
      assert.match(text, new RegExp(`^gatehouse_event_loop_delay_seconds\\{.*worker="${worker}"\\}`, 'm'));
    }
    assert.match(text, /^gatehouse_config_current 1$/m);
    assert.match(text, /^gatehouse_worker_restarts_total 0$/m);
    for (const worker of [1, 2]) assert.ok(text.includes(`gatehouse_worker_connections{worker="${worker}"} 1\n`));
    assert.equal(text.match(/^process_resident_memory_bytes /gm)?.length, 1);
  });

  test('says how it is in one answer, and in gauges', async () => {
    const { ready, threads, upstreams } = await told<Status>('/status');
    assert.equal(ready, true);
    assert.deepEqual(
      threads.map(({ worker, state, connections, restarts }) => [worker, state, connections, restarts]),
      [
        [1, 'serving', 1, 0],
        [2, 'serving', 1, 0],
      ],
    );
    assert.equal(upstreams[0]!.concurrency!.limit, 2000);
    const { text } = await ask(`${admin}/metrics`);
    for (const name of ['loop_shed_level', 'memory_short', 'workers_hung_total']) {
      assert.match(text, new RegExp(`^gatehouse_${name} [0-9.]+$`, 'm'));
    }
  });

  test('shows the endpoints once, with what both have open', async () => {
    const [zitadel] = await told<{ endpoints: { sessions: number }[] }[]>('/upstreams');
    assert.equal(zitadel!.endpoints.length, 1);
    assert.equal(zitadel!.endpoints[0]!.sessions, 2);
  });

  test('lists what each has stored, and purges it in both', async () => {
    const before = await told<{ entries: { worker: number }[] }>('/cache/entries');
    assert.deepEqual(
      before.entries.map(({ worker }) => worker),
      [1, 2],
    );
    assert.equal((await told<{ entries: number }>('/cache')).entries, 2);
    const purge = await told<{ purged: number }>('/cache/purge', { method: 'POST' }, '{"all":true}');
    assert.equal(purge.purged, 2);
    assert.deepEqual(await told('/cache/entries'), { entries: [] });
  });

  test('what one has fetched the other answers from its own store, also when no endpoint answers', async () => {
    const [first, second] = agents as [http.Agent, http.Agent];
    const asked = origin.asked.length;
    assert.equal((await ask(`${url}/kept?shared`, { agent: first })).text, 'here');
    // The other one is told a moment later.
    while ((await stored()) !== 2);
    origin.play = (one) => one.cut();
    assert.equal((await ask(`${url}/kept?shared`, { agent: second })).text, 'here');
    assert.equal(origin.asked.length, asked + 1);
    origin.play = (one) => one.answer(200, { 'cache-control': 'public, max-age=600' }, 'here');
  });

  test('what an unsafe request has changed, asked of one, neither answers from its store', async () => {
    const [first, second] = agents as [http.Agent, http.Agent];
    assert.equal((await ask(`${url}/kept?shared`, { agent: first, method: 'DELETE' })).status, 200);
    while ((await stored()) !== 0);
    const asked = origin.asked.length;
    assert.equal((await ask(`${url}/kept?shared`, { agent: second })).text, 'here');
    assert.equal(origin.asked.length, asked + 1);
    await told('/cache/purge', { method: 'POST' }, '{"all":true}');
  });

  test('what is wrong with a question is told as ever', async () => {
    const { status, text } = await ask(`${admin}/cache/entries?host=a%20b`);
    assert.equal(status, 400);
    assert.match(text, /problem/);
  });

  test('bans in both who was over a limit in one, lists it, and lifts it in both', async () => {
    const agent = agents[0]!;
    const statuses: number[] = [];
    for (let i = 0; i < 5; i += 1) statuses.push((await ask(`${url}/banned`, { agent })).status);
    assert.deepEqual(statuses, [200, 200, 200, 200, 429]);
    // The worker that banned tells the main thread a moment later.
    let bans: { id: string; rule: string }[] = [];
    while (bans.length === 0) bans = await told('/bans');
    assert.match(bans[0]!.rule, /few/);
    assert.deepEqual(await told(`/bans/${bans[0]!.id}`, { method: 'DELETE' }), { ok: true });
    assert.deepEqual(await told('/bans'), []);
    const keys = await told<{ hottest_keys: { rule: string; refused: number }[] }>('/limits');
    assert.equal(keys.hottest_keys.find(({ rule }) => rule === bans[0]!.rule)?.refused, 1);
  });

  test('is ready with both, and says how many there are', async () => {
    const { ok, details } = await told<{ ok: boolean; details: { workers: unknown } }>('/ready?verbose');
    assert.equal(ok, true);
    assert.deepEqual(details.workers, { wanted: 2, serving: 2 });
  });

  test('finishes on SIGTERM what both have begun, and ends with 0', async () => {
    origin.play = () => {};
    const asked = origin.asked.length;
    const open = fromBoth('/kept');
    await until(() => origin.asked.length === asked + 2);
    gateway.signal('SIGTERM');
    await gateway.line((line) => line.event === 'draining');
    for (const one of origin.asked.slice(asked)) one.answer(200, {}, 'late');
    assert.deepEqual(
      (await open).map(({ status, text }) => `${status} ${text}`),
      ['200 late', '200 late'],
    );
    const { code, stdout, stderr } = await gateway.ended;
    assert.equal(code, 0);
    assert.doesNotMatch(stderr, /error|exception/i);
    for (const line of stdout.trim().split('\n')) JSON.parse(line);
  });
});
