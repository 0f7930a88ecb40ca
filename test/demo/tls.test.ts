// The stand-in with `TLS.Enabled`: HTTP/2 and HTTP/1.1 by ALPN on one port.

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import https from 'node:https';
import { after, test } from 'node:test';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { closed, frame, H2Client } from './client.ts';

const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const certificate = await x509.X509CertificateGenerator.createSelfSigned(
  {
    name: 'CN=localhost',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  },
  webcrypto as Crypto,
);
const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
const cert = certificate.toString('pem');
const standIn = await startStandIn({ tls: { cert, key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') } });
after(() => standIn.close());
const url = `https://localhost:${standIn.port}`;

test('over h2: gRPC with trailers, and its records', async () => {
  assert.equal(standIn.url, `https://127.0.0.1:${standIn.port}`);
  await using client = new H2Client(url, { ca: cert });
  const headers = { 'content-type': 'application/grpc', te: 'trailers' };
  const answer = await client.ask('/zitadel.admin.v1.AdminService/Healthz', { headers, body: frame() });
  assert.equal(answer.trailers['grpc-status'], '0');
  assert.equal(standIn.requests.at(-1)?.protocol, 'h2');
  assert.equal(standIn.openSessions, 1);
});

test('over HTTP/1.1', async () => {
  const request = https.get(`${url}/demo/echo`, { ca: cert, agent: false });
  const [answer] = await once(request, 'response');
  assert.equal(answer.statusCode, 200);
  answer.resume();
  await once(answer, 'end');
  assert.equal(standIn.requests.at(-1)?.protocol, 'http/1.1');
});

test('GOAWAY, reset and stop work under TLS', async () => {
  await using client = new H2Client(url, { ca: cert });
  await client.ask('/debug/healthz');
  const goaway = once(client.session, 'goaway');
  const end = closed(client.session);
  await standIn.fail({ mode: 'goaway', code: 11 });
  assert.equal((await goaway)[0], 11);
  await end;
  await using other = new H2Client(url, { ca: cert });
  const stream = other.open('/demo/reset?after=10&code=7');
  stream.resume();
  await closed(stream);
  assert.equal(stream.rstCode, 7);
  const gone = closed(other.session);
  await standIn.fail({ mode: 'cut' });
  await gone;
});
