// `gatehouse check --resolve`: every upstream is asked for once, and says what it found or why not.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { configSchema } from '../../../src/config/schema.ts';
import { resolveUpstreams } from '../../../src/process/resolve.ts';
import { DnsServer } from '../../support/dns-server.ts';

test('listed, by DNS, by SRV and by file: found, or the reason', async () => {
  await using dns = await DnsServer.start();
  await using folder = await mkdtempDisposable(join(tmpdir(), 'gatehouse-resolve-'));
  const file = join(folder.path, 'pods.yaml');
  writeFileSync(file, '- 10.0.0.9:8080\n');
  dns.set(
    'many.test',
    'A',
    Array.from({ length: 20 }, (_, index) => `10.0.0.${10 + index}`),
  );
  dns.set('_http._tcp.a.test', 'SRV', ['0 0 3000 pod.a.test']);
  dns.set('pod.a.test', 'A', ['10.0.0.1']);
  const resolver = [dns.address];
  const config = configSchema.parse({
    listeners: [{ name: 'a', address: '127.0.0.1:0' }],
    upstreams: {
      listed: { endpoints: ['10.0.0.1:80', { address: '[fd00::1]:80', weight: 2 }] },
      many: { discovery: { dns: { name: 'many.test', port: 80 }, resolver } },
      srv: { discovery: { srv: { name: '_http._tcp.a.test' }, resolver } },
      file: { discovery: { file } },
      gone: { discovery: { dns: { name: 'gone.test', port: 80 }, resolver } },
      nofile: { discovery: { file: join(folder.path, 'none.yaml') } },
    },
  });
  const resolved = Object.fromEntries((await resolveUpstreams(config)).map((one) => [one.upstream, one]));
  assert.equal(resolved.listed?.text, '10.0.0.1:80, [fd00::1]:80');
  assert.match(resolved.many!.text, /^10\.0\.0\.10:80, .*, 10\.0\.0\.25:80, 4 more$/);
  assert.equal(resolved.srv?.text, '10.0.0.1:3000');
  assert.equal(resolved.file?.text, '10.0.0.9:8080');
  assert.deepEqual([resolved.gone?.found, resolved.nofile?.found, resolved.many?.found], [false, false, true]);
  assert.match(resolved.gone!.text, /A gone\.test: there is no such name \(NXDOMAIN\)/);
  assert.match(resolved.nofile!.text, /none\.yaml: cannot be read \(ENOENT\)/);
});
