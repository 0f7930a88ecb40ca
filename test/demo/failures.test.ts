// The ways in which the stand-in can be told to fail.
// Harm: a failure that is not what it is called proves nothing about a proxy that survives it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type http2 from 'node:http2';
import { constants } from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { closed, connect, H1Client, H2Client, PROTOCOLS } from './client.ts';

/** The code that a stream ended with. */
async function codeOf(stream: http2.ClientHttp2Stream): Promise<number> {
  await closed(stream);
  return stream.rstCode;
}

test('refuse: connections are cut and refused, and after healing the same port answers', async () => {
  await using standIn = await startStandIn();
  await using client = new H2Client(standIn.url);
  await client.ask('/debug/healthz');
  const end = closed(client.session);
  await standIn.fail({ mode: 'refuse' });
  await end;
  const refused = net.connect(standIn.port, '127.0.0.1');
  const [error] = await once(refused, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  await standIn.heal();
  await using again = new H2Client(standIn.url);
  assert.equal((await again.ask('/debug/healthz')).status, 200);
});

test('cut, and closing: sessions end by a reset without GOAWAY', async () => {
  const standIn = await startStandIn();
  for (const stop of [() => standIn.fail({ mode: 'cut' }), () => standIn.close()]) {
    await using client = new H2Client(standIn.url);
    await client.ask('/debug/healthz');
    client.session.on('goaway', () => assert.fail('a GOAWAY was sent'));
    const end = closed(client.session);
    const stream = client.open('/demo/hang');
    await standIn.waitFor(({ path, ended }) => path === '/demo/hang' && ended === undefined);
    await stop();
    await end;
    assert.ok(stream.destroyed);
  }
});

test('mute: the connection is taken and nothing is said, not even SETTINGS', async () => {
  await using standIn = await startStandIn();
  await standIn.fail({ mode: 'mute' });
  const socket = net.connect(standIn.port, '127.0.0.1');
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await once(socket, 'connect');
  socket.on('data', () => assert.fail('it spoke'));
  await standIn.heal();
  await using client = new H2Client(standIn.url);
  assert.equal((await client.ask('/debug/healthz')).status, 200);
  socket.destroy();
});

test('freeze: no PING is answered until it heals', async () => {
  await using standIn = await startStandIn();
  await using frozen = new H2Client(standIn.url);
  await frozen.ask('/debug/healthz');
  await standIn.fail({ mode: 'freeze' });
  let answered = false;
  const pong = new Promise<void>((resolve) => {
    frozen.session.ping(() => {
      answered = true;
      resolve();
    });
  });
  // A connection made later is not frozen, and has its answer while the other has not.
  await using other = new H2Client(standIn.url);
  assert.equal((await other.ask('/debug/healthz')).status, 200);
  assert.equal(answered, false);
  await standIn.heal();
  await pong;
});

test('goaway while idle: the code and the debug data arrive, the connection ends', async () => {
  await using standIn = await startStandIn();
  await using client = new H2Client(standIn.url);
  await client.ask('/debug/healthz');
  const goaway = once(client.session, 'goaway');
  const end = closed(client.session);
  await standIn.fail({ mode: 'goaway', code: constants.NGHTTP2_ENHANCE_YOUR_CALM, debugData: 'calm' });
  const [code, , data] = await goaway;
  assert.deepEqual([code, String(data)], [constants.NGHTTP2_ENHANCE_YOUR_CALM, 'calm']);
  await end;
});

test('goaway in flight: streams up to the last one finish, then the connection ends', async () => {
  await using standIn = await startStandIn();
  await using client = new H2Client(standIn.url);
  const upload = client.open('/demo/upload', { method: 'POST', body: 'first half, ' }, false);
  await standIn.waitFor(({ bytes }) => bytes === 12);
  const goaway = once(client.session, 'goaway');
  const end = closed(client.session);
  await standIn.fail({ mode: 'goaway' });
  assert.deepEqual((await goaway).slice(0, 2), [constants.NGHTTP2_NO_ERROR, upload.id]);
  upload.end('second');
  const [chunk] = await once(upload, 'data');
  assert.equal(JSON.parse(String(chunk)).bytes, 18);
  await end;
});

for (const lastStreamId of [0, 1]) {
  test(`goaway with last stream ${lastStreamId}: streams above it were not processed`, async () => {
    await using standIn = await startStandIn();
    await using client = new H2Client(standIn.url);
    const streams = [client.open('/demo/hang?1'), client.open('/demo/hang?3')];
    await standIn.waitFor(({ target }) => target === '/demo/hang?3');
    const goaway = once(client.session, 'goaway');
    await standIn.fail({ mode: 'goaway', lastStreamId, afterwards: 'stay' });
    assert.equal((await goaway)[1], lastStreamId);
    const refused = await Promise.all(streams.slice(lastStreamId).map(codeOf));
    for (const code of refused) assert.equal(code, constants.NGHTTP2_REFUSED_STREAM);
    assert.equal(streams[0]!.destroyed, lastStreamId === 0);
  });
}

test('refuse-streams: so many streams are refused, then it goes on', async () => {
  await using standIn = await startStandIn();
  await using client = new H2Client(standIn.url);
  await standIn.fail({ mode: 'refuse-streams', times: 2 });
  assert.equal(await codeOf(client.open('/debug/healthz')), constants.NGHTTP2_REFUSED_STREAM);
  assert.equal(await codeOf(client.open('/debug/healthz')), constants.NGHTTP2_REFUSED_STREAM);
  assert.equal((await client.ask('/debug/healthz')).status, 200);
});

test('reset over h2: before the head, after it, in the body, and in place of the end', async () => {
  await using standIn = await startStandIn();
  await using client = new H2Client(standIn.url);
  for (const [afterBytes, expected] of [
    [undefined, undefined],
    [0, 0],
    [1000, 1000],
    [Number.POSITIVE_INFINITY, 5000],
  ] as const) {
    const code = constants.NGHTTP2_CANCEL;
    await standIn.fail({ mode: 'reset', code, times: 1, ...(afterBytes !== undefined && { afterBytes }) });
    const stream = client.open('/demo/bytes?n=5000');
    let bytes: number | undefined;
    stream.on('response', () => {
      bytes ??= 0;
    });
    stream.on('data', (chunk: Buffer) => {
      bytes = (bytes ?? 0) + chunk.length;
    });
    assert.equal(await codeOf(stream), code);
    assert.equal(bytes, expected);
  }
  const last = standIn.requests.at(-1)!;
  assert.deepEqual([last.ended, last.rstCode], ['aborted', constants.NGHTTP2_CANCEL]);
});

test('reset over HTTP/1.1: the connection closes in the middle of the body', async () => {
  await using standIn = await startStandIn();
  await using client = new H1Client(standIn.url);
  await standIn.fail({ mode: 'reset', afterBytes: 100, times: 1 });
  await assert.rejects(client.ask('/demo/large?bytes=5000'), { code: 'ECONNRESET' });
  const { status, ended } = await standIn.waitFor(({ ended }) => ended !== undefined);
  assert.deepEqual([status, ended], [200, 'aborted']);
});

test('slow: the answer is the same, only later', async () => {
  await using standIn = await startStandIn();
  await using client = new H2Client(standIn.url);
  await standIn.fail({ mode: 'slow', ms: 1 });
  assert.equal((await client.ask('/debug/healthz')).body.toString(), 'ok');
});

test('a failure is for the requests it is aimed at', async () => {
  await using standIn = await startStandIn();
  await using client = new H2Client(standIn.url);
  await standIn.fail({ mode: 'answer', status: 503, match: ({ path }) => path.startsWith('/oauth/') });
  assert.equal((await client.ask('/oauth/v2/keys')).status, 503);
  assert.equal((await client.ask('/debug/healthz')).status, 200);
  await standIn.heal();
  assert.equal((await client.ask('/oauth/v2/keys')).status, 200);
});

for (const protocol of PROTOCOLS) {
  test(`unready over ${protocol}: 412 until it heals`, async () => {
    await using standIn = await startStandIn();
    await using client = connect(standIn.url, protocol);
    assert.equal((await client.ask('/debug/ready')).body.toString(), '"ok"');
    await standIn.fail({ mode: 'unready', message: 'no database' });
    const unready = await client.ask('/debug/ready');
    assert.equal(unready.status, 412);
    assert.match(unready.body.toString(), /ID=API-F24h2 Message=DB CONNECTION ERROR Parent=\(no database\)/);
    assert.equal((await client.ask('/debug/healthz')).status, 200);
    assert.equal((await client.ask('/debug/validate')).status, 200);
    await standIn.heal();
    assert.equal((await client.ask('/debug/ready')).status, 200);
  });

  test(`hang over ${protocol}: the request arrives whole and is never answered`, async () => {
    await using standIn = await startStandIn();
    await using client = connect(standIn.url, protocol);
    await using other = connect(standIn.url, protocol);
    await standIn.fail({ mode: 'hang', times: 1 });
    const hung = client.ask('/debug/healthz', { method: 'POST', body: 'all of it' });
    hung.catch(() => {});
    const record = await standIn.waitFor(({ bodyComplete }) => bodyComplete);
    assert.equal(record.bytes, 9);
    assert.equal((await other.ask('/debug/healthz')).status, 200);
    assert.equal(record.ended, undefined);
  });
}
