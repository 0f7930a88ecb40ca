// `gatehouse cache` against an admin listener with a store behind it.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Store } from '../src/cache/store.ts';
import { cacheSource } from '../src/process/cache-source.ts';
import { startAdmin } from './admin/started-admin.ts';
import { answerOf, keyOf } from './cache/stored-answers.ts';
import { HandClock } from './support/hand-clock.ts';
import { type Ended, runProcess } from './support/started-process.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-cache-command-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const { GATEHOUSE_CONFIG: _, ...env } = process.env;

function configOf(port: number, address = '127.0.0.1'): string {
  const file = join(folder, `${port}.yaml`);
  writeFileSync(
    file,
    `
listeners: [{ name: public, address: "127.0.0.1:0" }]
upstreams: { zitadel: { endpoints: ["127.0.0.1:1"] } }
admin: { address: "${address}:${port}", token: a-token-of-an-operator }
`,
  );
  return file;
}

const gatehouse = (...args: string[]): Promise<Ended> =>
  runProcess(process.execPath, [MAIN, 'cache', ...args], { env });

test('`gatehouse cache` lists, shows the hit ratio and purges, over IPv6 and with the token of the config', async () => {
  const clock = new HandClock();
  const store = new Store({ maxBytes: 1_000_000, maxEntryBytes: 1_000_000 }, clock);
  for (const target of ['/ui/console/', '/ui/console/main.js', '/x?\u001b[2J']) {
    const kept = store.put(keyOf(target), answerOf(target), store.begin(keyOf(target)))!;
    store.addCoding(kept.digest, 'br', Buffer.alloc(7));
  }
  store.count('console', 'hit');
  await using admin = await startAdmin({
    host: '::1',
    token: 'a-token-of-an-operator',
    cache: cacheSource(() => ({ store }), clock),
  });
  const file = configOf(admin.port, '[::1]');

  const status = await gatehouse('status', file);
  assert.equal(status.code, 0, status.stderr);
  assert.equal(JSON.parse(status.stdout).hit_ratio, 1);
  const list = await gatehouse('list', file, '--prefix', '/ui/', '--limit', '1');
  assert.match(list.stdout, /^STATUS +BYTES +CODINGS/);
  assert.match(list.stdout, /200 +12 +br 7 +0 s +300 s +0 +console +https:\/\/id\.example\.com\/ui\/console\/\n/);
  assert.match(list.stdout, /more: --after 'https:\/\/id\.example\.com\/ui\/console\/ console'/);
  assert.doesNotMatch(
    (await gatehouse('list', file)).stdout,
    /\u001b/,
    'what clients chose does not reach the terminal',
  );
  assert.match(
    (await gatehouse('purge', file, '--url', 'https://id.example.com/ui/console/')).stdout,
    /^1 answer purged/,
  );
  assert.match((await gatehouse('purge', file, '--host', 'id.example.com', '--prefix', '/ui')).stdout, /^1 answer /);
  assert.match((await gatehouse('purge', file, '--all')).stdout, /^1 answer purged/);
  assert.equal(store.figures().entries, 0);
  const refused = await gatehouse('purge', file, '--host', 'a/b');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /answered 400: .*host: expected a host/s);
});

test('`gatehouse cache` called wrongly says what was expected and asks nobody', async () => {
  const file = configOf(1);
  for (const [args, problem] of [
    [['empty', file], /expected status, list or purge, not 'empty'/],
    [['purge', file], /expected --url URL, --host HOST/],
    [['purge', file, '--all', '--host', 'a'], /expected --url URL, --host HOST/],
    [['purge', file, '--prefix', '/ui'], /expected --url URL, --host HOST/],
    [['list', file, '--all'], /cache list takes no --all/],
  ] as const) {
    const { code, stderr } = await gatehouse(...args);
    assert.deepEqual([code, problem.test(stderr)], [1, true], `${args.join(' ')}: ${stderr}`);
  }
  const nobody = await gatehouse('status', file);
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /the admin listener at 127\.0\.0\.1 port 1 cannot be asked: .*ECONNREFUSED/);
});
