// Getting in: TLS and users of the server, with no more rights than the documentation gives.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { certificateFor } from '../../support/certificate.ts';
import { needs } from '../../support/programs.ts';
import { startRedis } from './redis-server.ts';
import { chargeOf, DAY_MS, replica } from './replica.ts';

test('over TLS the certificate is verified, by the CAs of the file', needs('redis'), async () => {
  const folder = await mkdtemp(join(tmpdir(), 'redis-tls-'));
  try {
    const { certificate, key } = await certificateFor(['127.0.0.1']);
    const [certificateFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    await writeFile(certificateFile, certificate);
    await writeFile(keyFile, key);
    const options = ['--tls-cert-file', certificateFile, '--tls-key-file', keyFile, '--tls-auth-clients', 'no'];
    await using redis = await startRedis(options, 'tls');
    using trusting = replica(redis.url, { ca_file: certificateFile });
    assert.equal(await trusting.tier.firstTry, undefined);
    assert.equal((await trusting.take([chargeOf('k')])).refused, undefined);
    using doubting = replica(redis.url);
    assert.match((await doubting.tier.firstTry)!, /self-signed certificate/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test(
  "the user of the documentation can do all that is needed, and nothing to others' keys",
  needs('redis'),
  async () => {
    const docs = await readFile(new URL('../../../docs/shared-limits.md', import.meta.url), 'utf8');
    const [, rights] = /ACL SETUSER gatehouse on >PASSWORD (.+)/.exec(docs)!;
    const user = ['--user', 'gatehouse', 'on', '>secret', ...rights!.split(' ')];
    await using redis = await startRedis([...user, '--user', 'default', 'off']);
    const login = { username: 'gatehouse', password: 'secret' };
    using one = replica(redis.url, { ...login, prefix: 'gatehouse' });
    assert.equal(await one.tier.firstTry, undefined);
    const ban = { after: 1, withinMs: DAY_MS, forMs: DAY_MS, maxMs: DAY_MS };
    const charge = chargeOf('k', { rate: { burst: 1 }, ban });
    for (let i = 0; i < 3; i += 1) await one.take([charge]);
    assert.equal(one.tier.lift(one.local.bans()[0]!.id), true);
    one.tier.giveBack([charge]);
    assert.equal((await one.take([charge])).refused, undefined);
    assert.deepEqual([one.downs, one.tier.status().fallbacks], [[], 0]);
    using outside = replica(redis.url, { ...login, prefix: 'other' });
    assert.match((await outside.tier.firstTry)!, /NOPERM|can't access|No permissions/i);
  },
);

test('a database other than the first has counts of its own', needs('redis'), async () => {
  await using redis = await startRedis([], 'tcp4');
  using first = replica(redis.url);
  using second = replica(redis.url.replace(/0$/, '1'));
  await Promise.all([first.tier.firstTry, second.tier.firstTry]);
  const charge = chargeOf('k', { rate: { burst: 1 } });
  assert.deepEqual(
    [(await first.take([charge])).refused, (await second.take([charge])).refused],
    [undefined, undefined],
  );
});
