// What the running gateway says of a request that nobody has sent: the limits that it would meet, and what they have left.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runProcess, startProcess } from './support/started-process.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-explain-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const { GATEHOUSE_CONFIG: _, ...env } = process.env;

/** A port that was free a moment ago: `--live` needs one that stands in the config. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('`explain --live` tells what a key has left, bans are listed and lifted, and nothing is counted by asking', async () => {
  const [port, admin] = [await freePort(), await freePort()];
  const file = join(folder, 'gateway.yaml');
  const token = 'a-token-of-an-operator';
  writeFileSync(
    file,
    `
listeners: [{ name: public, address: "127.0.0.1:${port}" }]
upstreams: { zitadel: { endpoints: ["127.0.0.1:1"] } }
admin: { address: "127.0.0.1:${admin}", token: ${token} }
hints: false
classes:
  discovery:
    rate_limit:
      limits:
        discovery-address: { requests: 3, burst: 3, ban: { after: 2, for_s: 600 } }
`,
  );
  await using gateway = startProcess(process.execPath, [MAIN, 'serve', '--config', file], { env });
  await gateway.line((line) => line.event === 'listening' && line.listener === 'admin');
  const url = 'https://id.example.com/.well-known/openid-configuration';
  const explain = (): Promise<{ code: number | null; stdout: string }> =>
    runProcess(process.execPath, [MAIN, 'explain', file, 'GET', url, '--ip', '127.0.0.1', '--live'], { env });
  const ask = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${port}/.well-known/openid-configuration`);
    await answer.arrayBuffer();
    return answer.status;
  };
  const operator = async (path: string, method = 'GET'): Promise<unknown> =>
    (await fetch(`http://127.0.0.1:${admin}${path}`, { method, headers: { authorization: `Bearer ${token}` } })).json();

  for (let i = 0; i < 3; i += 1) {
    const { code, stdout } = await explain();
    assert.equal(code, 0);
    assert.match(stdout, /discovery-address: 3 in 60 s, burst 3, requests, by address; 127\.0\.0\.1: 3 left/);
  }
  assert.deepEqual([await ask(), await ask(), await ask(), await ask(), await ask()], [502, 502, 502, 429, 429]);
  assert.match((await explain()).stdout, /127\.0\.0\.1: banned for \d+ s/);
  const [ban] = (await operator('/bans')) as { id: string; rule: string; key: string }[];
  assert.deepEqual([ban!.rule, ban!.key], ['discovery-address', '127.0.0.1']);
  assert.deepEqual(await operator(`/bans/${ban!.id}`, 'DELETE'), { ok: true });
  assert.deepEqual(await operator('/bans'), []);
  const { hottest_keys: hottest, tables } = (await operator('/limits')) as {
    hottest_keys: { rule: string; refused: number }[];
    tables: { rates: { used: number } };
  };
  assert.ok(hottest.some(({ rule, refused }) => rule === 'discovery-address' && refused > 0));
  assert.ok(tables.rates.used > 0);
  const line = await gateway.line(({ rule }) => rule === 'discovery-address');
  assert.equal(line.error, 'TOO_MANY_REQUESTS', 'the log names the rule');
});

test('`explain --live` says what is wrong where no gateway runs', async () => {
  const file = join(folder, 'down.yaml');
  writeFileSync(
    file,
    `
listeners: [{ name: public, address: "127.0.0.1:0" }]
upstreams: { zitadel: { endpoints: ["127.0.0.1:1"] } }
admin: { address: "127.0.0.1:${await freePort()}" }
`,
  );
  const { code, stderr } = await runProcess(process.execPath, [MAIN, 'explain', file, 'GET', '/', '--live'], { env });
  assert.equal(code, 1);
  assert.match(stderr, /the admin listener at 127\.0\.0\.1 port \d+ cannot be asked: .*ECONNREFUSED/);
});
