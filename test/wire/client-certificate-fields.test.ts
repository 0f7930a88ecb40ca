// What an upstream is told of a client's certificate, and that nobody but the gateway can say it. RFC 9440 section 4.
// Harm: whoever can send such a field is whoever it names, to every upstream that reads it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { ask, PROTOCOLS } from '../support/ask.ts';
import { type Authority, type Issued, makeAuthority } from '../support/authority.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';

let zitadel: StandIn;
let gateway: TestGateway;
let authority: Authority;
let alice: Issued;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-clients-'));
  authority = await makeAuthority('Clients');
  alice = await authority.issue(['alice@example.com'], { use: 'client', subject: 'CN=alice,O=Example' });
  await writeFile(join(folder, 'ca.crt'), authority.certificate);
  zitadel = await startStandIn();
  gateway = await startGateway({
    zitadel: `127.0.0.1:${zitadel.port}`,
    config: {
      listeners: [
        {
          name: 'public',
          address: '127.0.0.1:0',
          tls: { development: true, client_certificates: { ca_files: [join(folder, 'ca.crt')], mode: 'optional' } },
        },
        { name: 'clear', address: '127.0.0.1:0', external_scheme: 'https' },
        { name: 'inside', address: '127.0.0.1:0', trust: 'internal', allow: ['127.0.0.0/8'] },
      ],
    },
  });
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await zitadel.close();
  await rm(folder, { recursive: true, force: true });
});

/** Every way in which a client may try to say who it is. */
const FORGED = [
  'x-client-cert-subject',
  'x-client-cert-san',
  'x-client-cert-fingerprint',
  'x-client-cert-anything',
  'x_client_cert_subject',
  'x-client_cert-subject',
  'x-client-cert',
  'client-cert',
  'client-cert-chain',
  'client_cert',
  'x-forwarded-client-cert',
  'grpc-metadata-x-client-cert-subject',
];
const SAYS = /client.?cert/i;

let asked = 0;
const targetOf = (): string => {
  asked += 1;
  return `/saml/v2/metadata?certificate=${asked}`;
};

/** The fields about a certificate that the upstream received. */
async function received(target: string): Promise<Record<string, string>> {
  const { rawHeaders } = await zitadel.waitFor((one) => one.target === target);
  const found: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (SAYS.test(rawHeaders[i]!) || rawHeaders[i + 1] === 'CN=forged') found[rawHeaders[i]!] = rawHeaders[i + 1]!;
  }
  return found;
}

/** A request with all forged fields over TLS. */
async function visit(who: Issued | undefined, more: http2.OutgoingHttpHeaders = {}): Promise<Record<string, string>> {
  const target = targetOf();
  const session = http2.connect(gateway.url, {
    ca: gateway.ca,
    ...(who !== undefined && { cert: who.certificate, key: who.key }),
  });
  const forged = Object.fromEntries(FORGED.map((name) => [name, 'CN=forged']));
  const stream = session.request({ ':path': target, ...forged, ...more });
  stream.resume();
  await once(stream, 'close');
  session.close();
  return received(target);
}

for (const protocol of PROTOCOLS) {
  for (const listener of ['clear', 'inside']) {
    test(`${protocol}: what a client says of a certificate reaches nobody, listener ${listener}`, async () => {
      for (const name of FORGED) {
        const target = targetOf();
        const fields = [[name, 'CN=forged']] as const;
        const { status } = await ask(gateway, { protocol, target, fields, listener });
        // Names with an underscore may be refused as a whole.
        if (status === 200) assert.deepEqual(await received(target), {}, name);
        else assert.equal(status, 400, name);
      }
    });
  }
}

test('who showed no certificate is nobody, whatever it says', async () => {
  assert.deepEqual(await visit(undefined), {});
});

test('who showed one is known by it alone', async () => {
  const { fingerprint256 } = new (await import('node:crypto')).X509Certificate(alice.leaf);
  const expected = {
    'x-client-cert-subject': 'O=Example,CN=alice',
    'x-client-cert-san': 'email:alice@example.com',
    'x-client-cert-fingerprint': fingerprint256.replaceAll(':', '').toLowerCase(),
  };
  assert.deepEqual(await visit(alice), expected);
});

test('the record of the exchange has the fingerprint', async () => {
  const seen = await visit(alice);
  const { exchange } = await gateway.over((one) => one.exchange.raw.connection.clientCertificate !== undefined);
  assert.equal(exchange.raw.connection.clientCertificate?.fingerprint, seen['x-client-cert-fingerprint']);
});

test('what was answered to somebody whom the upstream is told of is not stored, nor is what was stored for others given to it', async () => {
  const keys = async (who: Issued | undefined): Promise<string> => {
    const session = http2.connect(gateway.url, {
      ca: gateway.ca,
      ...(who !== undefined && { cert: who.certificate, key: who.key }),
    });
    const stream = session.request({ ':path': '/oauth/v2/keys' });
    stream.resume();
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    session.close();
    return String(headers['cache-status']);
  };
  assert.match(await keys(alice), /bypass.*client-certificate/);
  assert.match(await keys(undefined), /uri-miss/);
  assert.match(await keys(undefined), /hit/);
  assert.match(await keys(alice), /bypass.*client-certificate/);
});
