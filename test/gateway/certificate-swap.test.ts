// Certificates change while the gateway runs: read when their files are at rest, checked, swapped; what is broken changes nothing.
// Harm: a certificate that is renewed and not used takes the site down on the day that the old one ends.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { before, test } from 'node:test';
import tls from 'node:tls';
import { startStandIn } from '../../src/demo/stand-in.ts';
import type { CertificatePair } from '../../src/transport/certificates.ts';
import { type Authority, makeAuthority } from '../support/authority.ts';
import { type GatewayOptions, startGateway, type TestGateway } from '../support/gateway.ts';
import { filesOf, Secret } from '../support/secret.ts';

let authority: Authority;
let pairs: CertificatePair[];
before(async () => {
  authority = await makeAuthority('Test Root');
  pairs = await Promise.all(Array.from({ length: 5 }, () => authority.issue(['localhost', 'id.example.com'])));
});

function withSecret(
  secret: Secret,
  zitadel: string,
  more: Record<string, unknown> = {},
  rest: GatewayOptions['config'] = {},
): Promise<TestGateway> {
  return startGateway({
    zitadel: new URL(zitadel).host,
    config: {
      ...rest,
      listeners: [
        {
          name: 'public',
          address: '127.0.0.1:0',
          tls: {
            certificates: [{ certificate_file: secret.file('tls.crt'), key_file: secret.file('tls.key') }],
            ...more,
          },
        },
      ],
    },
  });
}

/** A handshake with a verified chain. */
async function connect(gateway: TestGateway, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    port: gateway.port('public'),
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.certificate,
    ALPNProtocols: ['h2'],
    ...options,
  });
  await once(socket, 'secureConnect');
  socket.resume();
  return socket;
}

/** The serial number that a new connection is shown. */
async function shown(gateway: TestGateway): Promise<string> {
  const socket = await connect(gateway);
  const { serialNumber } = socket.getPeerX509Certificate()!;
  socket.destroy();
  return serialNumber;
}

const serialOf = ({ certificate }: CertificatePair): string => new X509Certificate(certificate).serialNumber;

async function status(session: http2.ClientHttp2Session): Promise<number> {
  const stream = session.request({ ':path': '/admin/v1/healthz' });
  stream.resume();
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  return headers[':status'] as unknown as number;
}

test('a Secret that changes is used for new connections, and those that are open go on', async () => {
  await using zitadel = await startStandIn();
  await using secret = await Secret.mount(filesOf(pairs[0]!));
  await using gateway = await withSecret(secret, zitadel.url);
  assert.equal(await shown(gateway), serialOf(pairs[0]!));
  const session = http2.connect(gateway.url, { ca: authority.certificate, servername: 'localhost' });
  assert.equal(await status(session), 200);
  await secret.put(filesOf(pairs[1]!));
  const loaded = await gateway.announcement('certificates_loaded');
  assert.deepEqual(loaded.vanished, []);
  assert.deepEqual(loaded.certificates[0]?.names, ['localhost', 'id.example.com']);
  assert.equal(await shown(gateway), serialOf(pairs[1]!));
  assert.equal(await status(session), 200);
  session.close();
});

test('a broken pair changes nothing, is told once, shows in readiness, and is tried again when the files change', async () => {
  await using zitadel = await startStandIn();
  await using secret = await Secret.mount(filesOf(pairs[0]!));
  await using gateway = await withSecret(secret, zitadel.url);
  await secret.put({ 'tls.crt': pairs[1]!.certificate, 'tls.key': pairs[2]!.key });
  const { problem } = await gateway.announcement('certificates_refused');
  assert.equal(problem, `${secret.file('tls.crt')}: the key does not belong to this certificate`);
  assert.equal(await shown(gateway), serialOf(pairs[0]!));
  assert.match(
    JSON.stringify(gateway.primary.ready().details),
    /listener public: .*the certificates before stay in use/,
  );
  assert.match(JSON.stringify(gateway.primary.tls.certificates.status()), /"problem":/);
  await secret.put(filesOf(pairs[1]!));
  await gateway.announcement('certificates_loaded');
  assert.equal(await shown(gateway), serialOf(pairs[1]!));
  assert.doesNotMatch(JSON.stringify(gateway.primary.ready().details), /stay in use/);
  assert.equal(gateway.announced.filter(({ name }) => name === 'certificates_refused').length, 1);
});

test('a certificate and a key that are written one after the other are no failure', async () => {
  await using zitadel = await startStandIn();
  await using secret = await Secret.mount(filesOf(pairs[0]!));
  await using gateway = await withSecret(secret, zitadel.url);
  // Over the links, as somebody does who copies files there by hand.
  await rm(secret.file('tls.crt'));
  await writeFile(secret.file('tls.crt'), pairs[3]!.certificate);
  await new Promise((resolve) => setImmediate(resolve));
  await rm(secret.file('tls.key'));
  await writeFile(secret.file('tls.key'), pairs[3]!.key);
  await gateway.announcement('certificates_loaded');
  assert.equal(await shown(gateway), serialOf(pairs[3]!));
  assert.equal(gateway.announced.filter(({ name }) => name === 'certificates_refused').length, 0);
});

test('names that are not served any more are told', async () => {
  await using zitadel = await startStandIn();
  await using secret = await Secret.mount(filesOf(pairs[0]!));
  await using gateway = await withSecret(secret, zitadel.url);
  await secret.put(filesOf(await authority.issue(['localhost'])));
  const { vanished } = await gateway.announcement('certificates_loaded');
  assert.deepEqual(vanished, ['id.example.com']);
});

test('a certificate that ends soon is told at the start, and in readiness', async () => {
  await using zitadel = await startStandIn();
  const pair = await authority.issue(['localhost'], { from: -80, to: 2.5 });
  await using secret = await Secret.mount(filesOf(pair));
  await using gateway = await withSecret(secret, zitadel.url);
  const ending = await gateway.primary.tls.certificates.warnings();
  assert.match(ending.join(), /certificate .*tls\.crt ends on /);
});

test('authorities of clients are followed like certificates', async () => {
  await using zitadel = await startStandIn();
  const [before, after] = await Promise.all([makeAuthority('Before'), makeAuthority('After')]);
  const client = await after.issue([], { use: 'client', subject: 'CN=client' });
  await using secret = await Secret.mount({ ...filesOf(pairs[0]!), 'ca.crt': before.certificate });
  await using gateway = await withSecret(secret, zitadel.url, {
    client_certificates: { ca_files: [secret.file('ca.crt')] },
  });
  const connect = () =>
    http2.connect(gateway.url, {
      ca: authority.certificate,
      servername: 'localhost',
      cert: client.certificate,
      key: client.key,
    });
  const refused = connect();
  refused.on('error', () => {});
  const end = await gateway.announcement('connection_ended', ({ reason }) => reason.startsWith('client certificate'));
  assert.equal(end.reason, 'client certificate refused');
  refused.destroy();
  await secret.put({ ...filesOf(pairs[0]!), 'ca.crt': after.certificate });
  await gateway.announcement('certificates_loaded');
  const session = connect();
  assert.equal(await status(session), 200);
  session.close();
});

test('50 changes under load, 10 of them broken: every handshake and every request succeeds', async (context) => {
  await using zitadel = await startStandIn();
  await using secret = await Secret.mount(filesOf(pairs[0]!));
  // Two clients on a quick machine do more in all than one address may.
  const limits = {
    per_address: {
      connections_per_s: 0,
      failed_handshakes_per_s: 0,
      resets_per_s: 0,
      malformed_per_s: 0,
      header_bytes_per_s: 0,
    },
  };
  await using gateway = await withSecret(secret, zitadel.url, {}, { limits, classes: { api: { rate_limit: false } } });
  const seen = new Set<string>();
  const failures: string[] = [];
  let handshakes = 0;
  let loads = 0;
  let over = false;
  let wake = (): void => {};
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds() && !over && failures.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  };
  context.signal.addEventListener('abort', () => {
    over = true;
    wake();
  });
  gateway.primary.events.on('certificates_loaded', () => {
    loads += 1;
    wake();
  });
  const visit = async (): Promise<void> => {
    const session = http2.connect(gateway.url, { ca: authority.certificate, servername: 'localhost' });
    session.on('error', (error) => failures.push(error.message));
    const answers = await Promise.all([status(session), status(session)]);
    seen.add((session.socket as tls.TLSSocket).getPeerX509Certificate()?.serialNumber ?? '');
    if (answers.some((answer) => answer !== 200)) failures.push(`status ${answers}`);
    session.close();
    handshakes += 1;
  };
  const client = async (): Promise<void> => {
    while (!over && failures.length === 0) {
      await visit().catch((error: Error) => failures.push(error.message));
      wake();
    }
  };
  const clients = [client(), client()];
  for (let change = 1; change <= 50; change += 1) {
    const pair = pairs[change % pairs.length]!;
    const broken = change % 5 === 0;
    const [from, before] = [handshakes, loads];
    await secret.put(broken ? { 'tls.crt': pair.certificate, 'tls.key': 'broken' } : filesOf(pair));
    // A good one is in use before the next one comes; a broken one has been there for some handshakes.
    await until(() => (broken ? handshakes >= from + 20 : loads > before));
  }
  await gateway.announcement('certificates_refused');
  assert.match(String(gateway.primary.ready().details.warnings), /stay in use/);
  over = true;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.equal(loads, 40);
  assert.ok(seen.size >= pairs.length - 1); // the first one comes broken, but for the start
  assert.ok(handshakes >= 200);
});

test('workers: all use a changed certificate and resume the sessions of each other, also one that begins anew while the files are broken', async () => {
  await using zitadel = await startStandIn();
  await using secret = await Secret.mount(filesOf(pairs[0]!));
  await using gateway = await withSecret(secret, zitadel.url, {}, { workers: 2 });
  const { workers } = gateway.primary;
  const everywhere = async (): Promise<string[]> => {
    // Held open, so that each goes to the worker with fewer.
    const sockets = await Promise.all(Array.from({ length: 6 }, () => connect(gateway)));
    const serials = sockets.map((socket) => socket.getPeerX509Certificate()!.serialNumber);
    for (const socket of sockets) socket.destroy();
    return [...new Set(serials)];
  };
  assert.deepEqual(await everywhere(), [serialOf(pairs[0]!)]);
  await secret.put(filesOf(pairs[1]!));
  await gateway.announcement('certificates_loaded');
  assert.deepEqual(await everywhere(), [serialOf(pairs[1]!)]);

  await secret.put({ 'tls.crt': 'broken', 'tls.key': 'broken' });
  await gateway.announcement('certificates_refused');
  await workers!.serving[0]!.kill();
  await gateway.announcement('worker_started');
  assert.equal(workers!.serving.length, 2);
  assert.deepEqual(await everywhere(), [serialOf(pairs[1]!)]);

  const first = await connect(gateway);
  const held = [first];
  const session = await new Promise<Buffer>((resolve) => first.once('session', resolve));
  for (let i = 0; i < 6; i += 1) {
    const socket = await connect(gateway, { session });
    assert.ok(socket.isSessionReused());
    held.push(socket);
  }
  for (const socket of held) socket.destroy();
});
