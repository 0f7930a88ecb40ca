// What @fastify/compress 9.2.0 does that an answer must not suffer, and that ours do not. The first half of each test
// shows the defect; when it fails after an update, the way round it may go.

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import test from 'node:test';
import zlib from 'node:zlib';
import compress from '@fastify/compress';
import Fastify, { type FastifyReply } from 'fastify';
import { allowCompression, sendCompressible } from '../../src/admin/compression.ts';
import { CATALOGUE } from '../../src/core/catalogue.ts';
import { metricsOf, startAdmin } from './started-admin.ts';

const LONG = 'gatehouse_requests_total{route="jwks"} 1\n'.repeat(200);
const ALL = { 'accept-encoding': 'gzip, br, zstd' };

function decoded(coding: string | undefined, body: Buffer): string {
  if (coding === 'zstd') return zlib.zstdDecompressSync(body).toString();
  if (coding === 'br') return zlib.brotliDecompressSync(body).toString();
  if (coding === 'gzip') return zlib.gunzipSync(body).toString();
  return body.toString();
}

/** An app whose one answer goes through stock compression, and one through ours. */
async function two(make: (reply: FastifyReply) => string) {
  const stock = Fastify();
  await stock.register(compress);
  stock.get('/', async (_request, reply) => make(reply));
  const ours = Fastify();
  await allowCompression(ours, 1024);
  ours.get('/', async (_request, reply) => {
    sendCompressible(reply, make(reply));
    return reply;
  });
  return {
    stock: () => stock.inject({ url: '/', headers: ALL }),
    ours: (headers: Record<string, string> = ALL) => ours.inject({ url: '/', headers }),
  };
}

for (const coding of ['zstd', 'br', 'gzip']) {
  test(`a long answer comes as ${coding} to a client that takes it, and decodes`, async () => {
    await using admin = await startAdmin({ metrics: metricsOf(async () => LONG) });
    const { headers, body } = await admin.get('/metrics', { headers: { 'accept-encoding': coding } });
    assert.equal(headers['content-encoding'], coding);
    assert.ok(body.length < LONG.length / 10);
    assert.equal(decoded(coding, body), LONG);
  });
}

test('a megabyte, which is not compressed at once but as a stream, decodes too', async () => {
  const text = LONG.repeat(130);
  await using admin = await startAdmin({ metrics: metricsOf(async () => text) });
  const { headers, body } = await admin.get('/metrics', { headers: ALL });
  assert.equal(headers['content-encoding'], 'zstd');
  assert.equal(decoded('zstd', body), text);
});

test('a short answer, and one for a client that takes no coding, come as they are', async () => {
  await using admin = await startAdmin({ metrics: metricsOf(async () => LONG) });
  assert.equal((await admin.get('/live', { headers: ALL })).headers['content-encoding'], undefined);
  for (const headers of [
    {},
    { 'accept-encoding': 'identity' },
    { 'accept-encoding': 'gzip;q=0, br;q=0, zstd;q=0' },
  ] as Record<string, string>[]) {
    const got = await admin.get('/metrics', { headers });
    assert.equal(got.headers['content-encoding'], undefined);
    assert.equal(got.text, LONG);
  }
});

test('@fastify/compress 9.2.0: request bodies are inflated without being asked; ours are left alone', async () => {
  const bomb = zlib.gzipSync(Buffer.alloc(60_000, 'x'));
  const asked = {
    method: 'POST',
    headers: { 'content-encoding': 'gzip', 'content-type': 'text/plain' },
    body: bomb,
  } as const;
  const stock = Fastify();
  await stock.register(compress);
  stock.post('/', async (request) => String((request.body as string).length));
  assert.equal((await stock.inject({ url: '/', ...asked })).body, '60000');

  const ours = Fastify();
  await allowCompression(ours, 1024);
  ours.post('/', async (request) => String(Buffer.byteLength(request.body as string, 'latin1') < 1000));
  assert.equal((await ours.inject({ url: '/', ...asked })).body, 'true');
  // Nor can a coding that is not known, or a broken body, make a request fail that nobody reads the body of.
  await using admin = await startAdmin({ reload: async () => {} });
  assert.equal((await admin.get('/reload', asked)).status, 200);
  assert.equal((await admin.get('/reload', { ...asked, body: 'no gzip' })).status, 200);
});

for (const start of ['x ', '80', 'hb', '(4', 'H,']) {
  test(`@fastify/compress 9.2.0: text that begins with "${start}" is labelled as compressed and is not; ours decodes`, async () => {
    const text = start + 'y'.repeat(5000);
    const { stock, ours } = await two((reply) => {
      reply.type('text/plain');
      return text;
    });
    const bad = await stock();
    assert.notEqual(bad.headers['content-encoding'], undefined);
    assert.equal(bad.rawPayload.toString(), text);

    const good = await ours();
    assert.equal(decoded(good.headers['content-encoding'] as string, good.rawPayload), text);
  });
}

test('@fastify/compress 9.2.0: Vary is missing where an answer is not compressed; ours has it, once', async () => {
  const stock = Fastify();
  await stock.register(compress);
  stock.get('/', async (_request, reply) => reply.type('text/plain').send(LONG));
  assert.equal((await stock.inject('/')).headers.vary, undefined);

  const { ours } = await two((reply) => {
    reply.type('text/plain');
    return LONG;
  });
  assert.equal((await ours({})).headers.vary, 'accept-encoding');
  assert.equal((await ours()).headers.vary, 'accept-encoding');
  await using admin = await startAdmin();
  assert.equal((await admin.get('/live')).headers.vary, 'accept-encoding');
});

test('@fastify/compress 9.2.0: a strong ETag is kept over all codings; ours is weak', async () => {
  const { stock, ours } = await two((reply) => {
    reply.type('text/plain').header('etag', '"a"');
    return LONG;
  });
  assert.equal((await stock()).headers.etag, '"a"');
  assert.equal((await ours()).headers.etag, 'W/"a"');
});

test('@fastify/compress 9.2.0: no-transform is not heard; by ours it is', async () => {
  const { stock, ours } = await two((reply) => {
    reply.type('text/plain').header('cache-control', 'public, no-transform');
    return LONG;
  });
  assert.notEqual((await stock()).headers['content-encoding'], undefined);
  assert.equal((await ours()).headers['content-encoding'], undefined);
});

test('@fastify/compress 9.2.0: application/octet-stream is taken for text; by ours it is not', async () => {
  const { stock, ours } = await two((reply) => {
    reply.type('application/octet-stream');
    return LONG;
  });
  assert.notEqual((await stock()).headers['content-encoding'], undefined);
  assert.equal((await ours()).headers['content-encoding'], undefined);
});

for (const type of ['application/connect+json', 'application/grpc+json']) {
  test(`@fastify/compress 9.2.0: a stream of ${type} is compressed, and held back to its end; by ours it is not`, async () => {
    const { stock, ours } = await two((reply) => {
      reply.type(type);
      return LONG;
    });
    assert.notEqual((await stock()).headers['content-encoding'], undefined);
    assert.equal((await ours()).headers['content-encoding'], undefined);
  });
}

test('@fastify/compress 9.2.0: streams are compressed below the threshold, too; ours are whole bodies, which are not', async () => {
  const stock = Fastify();
  await stock.register(compress, { threshold: 1024 });
  stock.get('/', async (_request, reply) => reply.type('text/plain').send(Readable.from(['short'])));
  assert.notEqual((await stock.inject({ url: '/', headers: ALL })).headers['content-encoding'], undefined);
  const { ours } = await two((reply) => {
    reply.type('text/plain');
    return 'short';
  });
  assert.equal((await ours()).headers['content-encoding'], undefined);
});

test('@fastify/compress 9.2.0: `*` is gzip, which every client knows; ours is the same', async () => {
  const { stock, ours } = await two((reply) => {
    reply.type('text/plain');
    return LONG;
  });
  assert.equal((await stock()).headers['content-encoding'], 'zstd');
  assert.equal((await ours({ 'accept-encoding': '*' })).headers['content-encoding'], 'gzip');
});

test('no error body of the gateway begins like a zlib stream, which @fastify/compress 9.2.0 would send as it is', () => {
  const starts = ['{', '<', ...Object.values(CATALOGUE).map(({ message }) => message)];
  for (const start of starts) {
    const [first, second] = Buffer.from(`${start}  `);
    assert.ok((first! & 0x8f) !== 0x08 || ((first! << 8) + second!) % 31 !== 0, start);
  }
});
