/** Certificates by ACME from pebble, with real challenges over HTTP: half of all good nonces are refused on purpose. */

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import type { z } from 'zod';
import type { listenerTls } from '../../src/config/schema/listener.ts';
import { accountFolder, certificateFile } from '../../src/process/acme/files.ts';
import { startGateway } from '../support/gateway.ts';
import { freePort, type Pebble, type PebbleOptions, startPebble } from '../support/pebble.ts';
import { needs } from '../support/programs.ts';

const NAMES = ['login.example.test', 'api.example.test'];

type Acme = NonNullable<z.input<typeof listenerTls>['acme']>;

interface Place extends AsyncDisposable {
  readonly pebble: Pebble;
  readonly storage: string;
  start(more?: Partial<Acme>, workers?: number): ReturnType<typeof startGateway>;
}

/** Pebble and a folder, for one gateway after the other. */
async function place(options: Partial<PebbleOptions> = {}): Promise<Place> {
  const port = await freePort();
  const pebble = await startPebble({ names: NAMES, httpPort: port, ...options });
  const storage = await mkdtemp(join(tmpdir(), 'gatehouse-acme-'));
  return {
    pebble,
    storage,
    start: (more = {}, workers = 0) =>
      startGateway({
        config: {
          workers,
          listeners: [
            {
              name: 'public',
              address: '127.0.0.1:0',
              tls: {
                acme: {
                  names: NAMES,
                  storage_directory: storage,
                  agree_to_terms: true,
                  directory: pebble.directory,
                  ca_file: pebble.caFile,
                  ...more,
                },
              },
            },
            { name: 'clear', address: `127.0.0.1:${port}`, redirect: {} },
          ],
        },
      }),
    async [Symbol.asyncDispose]() {
      await pebble[Symbol.asyncDispose]();
      await rm(storage, { recursive: true, force: true });
    },
  };
}

/** The certificate that a client gets; rejects where `ca` is given and it is not trusted. */
async function served(port: number, servername: string, ca?: string): Promise<X509Certificate> {
  const socket = tls.connect({ host: '127.0.0.1', port, servername, ca, rejectUnauthorized: ca !== undefined });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerX509Certificate()!;
  socket.destroy();
  return certificate;
}

for (const workers of [0, 2]) {
  test(
    `orders a certificate with ${workers} workers, answers the challenges, and uses it`,
    needs('pebble'),
    async () => {
      await using here = await place();
      await using gateway = await here.start({}, workers);
      assert.equal((await served(gateway.port('public'), NAMES[0]!)).issuer.includes('Gatehouse'), true, 'a stand-in');
      await gateway.announcement('certificates_loaded');
      const root = await here.pebble.root();
      for (const name of NAMES) {
        assert.match((await served(gateway.port('public'), name, root)).subjectAltName!, new RegExp(`DNS:${name}`));
      }
      assert.deepEqual(gateway.primary.tls.warnings(), []);
      assert.equal(gateway.primary.tls.acmeStatus()[0]?.state, 'waiting');
    },
  );
}

test(
  'keeps keys where only this user can read them, and what is stored serves the next start',
  needs('pebble'),
  async () => {
    await using here = await place();
    let first: X509Certificate;
    let config: NonNullable<Parameters<typeof accountFolder>[0]>;
    {
      await using gateway = await here.start();
      await gateway.announcement('certificates_loaded');
      first = await served(gateway.port('public'), NAMES[0]!, await here.pebble.root());
      config = gateway.config.listeners[0]!.tls!.acme!;
      // Pebble asks several times for each, from one place after the other.
      assert.ok(gateway.announced.filter(({ name }) => name === 'acme_challenge').length >= 2);
    }
    const folder = accountFolder(config);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    const files = await readdir(folder);
    assert.deepEqual(
      files.filter((file) => file.startsWith('.') || file === 'lock'),
      [],
    );
    for (const file of files) assert.equal((await stat(join(folder, file))).mode & 0o777, 0o600, file);
    const stored = await readFile(certificateFile(config), 'utf8');
    await using gateway = await here.start();
    const second = await served(gateway.port('public'), NAMES[0]!, await here.pebble.root());
    assert.equal(second.fingerprint256, first.fingerprint256);
    assert.equal(await readFile(certificateFile(config), 'utf8'), stored);
  },
);

test('a token that is not due goes the way of every request', needs('pebble'), async () => {
  await using here = await place();
  await using gateway = await here.start();
  await gateway.announcement('certificates_loaded');
  const sent = http.get(`${gateway.clearUrl}/.well-known/acme-challenge/someone-elses-token`, {
    headers: { host: NAMES[0]! },
  });
  const [answer] = await once(sent, 'response');
  assert.equal(answer.statusCode, 308);
  answer.resume();
});

test('ties the account to one that the authority knows', needs('pebble'), async () => {
  const hmac_key = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';
  await using here = await place({ externalKeys: { 'kid-1': hmac_key } });
  {
    await using gateway = await here.start();
    const { problem } = await gateway.announcement('acme_failed');
    assert.match(problem, /set external_account/);
  }
  await using gateway = await here.start({ external_account: { key_id: 'kid-1', hmac_key } });
  await gateway.announcement('certificates_loaded');
});

test('takes the chain of the preferred issuer', needs('pebble'), async () => {
  await using here = await place({ alternates: 2 });
  const root = await here.pebble.root(2);
  const preferred = /CN=(.*)/.exec(new X509Certificate(root).subject)![1]!;
  await using gateway = await here.start({ preferred_issuer: preferred });
  await gateway.announcement('certificates_loaded');
  await served(gateway.port('public'), NAMES[0]!, root);
});

test('orders an RSA key where it is told to', needs('pebble'), async () => {
  await using here = await place();
  await using gateway = await here.start({ key_type: 'rsa' });
  await gateway.announcement('certificates_loaded');
  const found = await served(gateway.port('public'), NAMES[0]!, await here.pebble.root());
  assert.equal(found.publicKey.asymmetricKeyType, 'rsa');
});

test(
  'a name that leads elsewhere is told with what the authority says, and tried again later',
  needs('pebble'),
  async () => {
    await using here = await place();
    here.pebble.dns.set(NAMES[1]!, 'A', { code: 'NXDOMAIN' });
    await using gateway = await here.start();
    const { problem, retryInMs } = await gateway.announcement('acme_failed');
    assert.match(problem, /api\.example\.test/);
    assert.ok(retryInMs >= 45_000 && retryInMs <= 75_000, String(retryInMs));
    assert.match(gateway.primary.tls.warnings().join('\n'), /acme: .*api\.example\.test/);
  },
);
