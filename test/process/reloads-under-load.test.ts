// Fifty reloads of a running gateway, ten of them broken, with clients on it: nobody loses a request.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { startProcess } from '../support/started-process.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const FOLDER = mkdtempSync(join(tmpdir(), 'gatehouse-reloads-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const RELOADS = 50;

function ask(url: string, options: http.RequestOptions = {}): Promise<{ status: number | undefined; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; body: string }>();
  const request = http.request(url, options, async (answer) => {
    let body = '';
    for await (const chunk of answer) body += chunk;
    resolve({ status: answer.statusCode, body });
  });
  request.on('error', reject);
  request.end();
  return promise;
}

function overHttp2(session: http2.ClientHttp2Session): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const stream = session.request({ ':path': '/admin/v1/healthz' });
  let status: number | undefined;
  stream.on('response', (headers) => {
    status = headers[':status'];
  });
  stream.on('error', reject);
  stream.on('end', () => resolve(status));
  stream.resume();
  return promise;
}

/** Asks without a pause until it is ended; gives what did not go well, and how many went. */
async function loop(once: () => Promise<number | undefined>, ended: () => boolean) {
  const failed: string[] = [];
  let asked = 0;
  while (!ended()) {
    asked += 1;
    const outcome = await once().catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
    if (outcome !== 200) failed.push(String(outcome));
  }
  return { asked, failed };
}

const config = (upstream: string, round: number): string => `
listeners:
  - { name: public, address: "127.0.0.1:0" }
${round % 2 === 0 ? '  - { name: extra, address: "127.0.0.1:0" }' : ''}
upstreams:
  zitadel: { endpoints: ["${upstream}"] }
routes:
  - { name: round-${round}, paths: [/round/${round}] }
trace_context: ${round % 3 === 0 ? 'pass' : 'drop'}
admin: { address: "127.0.0.1:0" }
shutdown: { drain_delay_ms: 0, timeout_ms: 1000 }
workers: 1
reload: { watch: false }
hints: false
`;

test('fifty reloads, ten of them broken: no request fails over HTTP/2, HTTP/1.1 and new connections', async () => {
  await using zitadel = await startStandIn();
  const upstream = new URL(zitadel.url).host;
  const file = join(FOLDER, 'gateway.yaml');
  writeFileSync(file, config(upstream, 1));
  await using gateway = startProcess(process.execPath, [MAIN, 'serve', '--config', file], { env: process.env });
  const listening = async (name: string): Promise<string> =>
    String((await gateway.line(({ event, listener }) => event === 'listening' && listener === name)).url);
  const [url, admin] = [await listening('public'), await listening('admin')];
  await gateway.line(({ event }) => event === 'ready');
  const path = `${url}/admin/v1/healthz`;
  const session = http2.connect(url);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let over = false;
  const load = Promise.all([
    loop(
      () => overHttp2(session),
      () => over,
    ),
    loop(
      async () => (await ask(path, { agent })).status,
      () => over,
    ),
    loop(
      async () => (await ask(path, { agent: false })).status,
      () => over,
    ),
  ]);
  const outcomes = { ok: 0, refused: 0 };
  let last = '';
  for (let round = 2; round < 2 + RELOADS; round += 1) {
    const broken = round % 5 === 0;
    writeFileSync(file, broken ? config(upstream, round).replace('upstreams:', 'upstreems:') : config(upstream, round));
    const { status, body } = await ask(`${admin}/reload`, { method: 'POST', agent: false });
    assert.equal(status, broken ? 409 : 200, body);
    outcomes[broken ? 'refused' : 'ok'] += 1;
    if (broken) assert.match(body, /gateway\.yaml:\d+:\d+: .*upstreems/);
    last = body;
  }
  over = true;
  const loads = await load;
  agent.destroy();
  session.destroy();
  assert.deepEqual(outcomes, { ok: 40, refused: 10 });
  assert.equal(JSON.parse(last).generation, 41);
  for (const { asked, failed } of loads) {
    assert.ok(asked >= RELOADS, `only ${asked} requests`);
    assert.deepEqual(failed, []);
  }
  const metrics = (await ask(`${admin}/metrics`, { agent: false })).body;
  assert.match(metrics, /gatehouse_reloads_total\{outcome="refused"[^}]*\} 10/);
});
