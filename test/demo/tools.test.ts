// The paths under /demo and the records of what arrived.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { connect, H2Client, PROTOCOLS } from './client.ts';

const standIn = await startStandIn({ keepRecords: 50 });
after(() => standIn.close());

for (const protocol of PROTOCOLS) {
  test(`echo tells what arrived over ${protocol}`, async () => {
    await using client = connect(standIn.url, protocol);
    const answer = await client.ask('/demo/echo?a=1', { headers: { 'x-twice': 'a' }, body: 'hello' });
    const echo = JSON.parse(answer.body.toString());
    assert.equal(echo.method, 'POST');
    assert.equal(echo.target, '/demo/echo?a=1');
    assert.equal(echo.protocol, protocol === 'h2c' ? 'h2' : 'http/1.1');
    assert.equal(echo.bodyBytes, 5);
    assert.equal(echo.bodySha256, createHash('sha256').update('hello').digest('hex'));
    assert.equal(echo.rawHeaders[echo.rawHeaders.indexOf('x-twice') + 1], 'a');
  });

  test(`bodies and trailers over ${protocol}`, async () => {
    await using client = connect(standIn.url, protocol);
    const large = await client.ask('/demo/large?bytes=3000000');
    assert.equal(large.headers['content-length'], '3000000');
    assert.equal(large.body.length, 3_000_000);
    const bytes = await client.ask('/demo/bytes?n=100000&trailers=1');
    assert.equal(bytes.headers['content-length'], undefined);
    assert.equal(bytes.trailers['x-demo-sha256'], createHash('sha256').update(bytes.body).digest('hex'));
    const events = await client.ask('/demo/sse?n=3');
    assert.equal(events.headers['content-type'], 'text/event-stream');
    assert.equal(events.body.toString().match(/^data: /gm)?.length, 3);
    const upload = await client.ask('/demo/upload', { body: Buffer.alloc(200_000) });
    assert.equal(JSON.parse(upload.body.toString()).bytes, 200_000);
    assert.equal((await client.ask('/demo/headers?bytes=30000')).headers['x-demo-padding']?.length, 30_000);
    const status = await client.ask('/demo/status?status=503&retry=7');
    assert.deepEqual([status.status, status.headers['retry-after']], [503, '7']);
    assert.equal((await client.ask('/demo/early', { body: Buffer.alloc(100_000) })).status, 413);
    assert.equal((await client.ask('/demo/hints')).status, 200);
  });
}

test('a cut upload over h2 is recorded as aborted, with its code and what had arrived', async () => {
  await using client = new H2Client(standIn.url);
  const upload = client.open('/demo/upload?cut=h2', { method: 'POST', body: 'partial' }, false);
  await standIn.waitFor(({ target, bytes }) => target.endsWith('cut=h2') && bytes === 7);
  upload.close(8);
  const record = await standIn.waitFor(({ target, ended }) => target.endsWith('cut=h2') && ended !== undefined);
  assert.deepEqual(
    [record.ended, record.rstCode, record.bodyComplete, record.status],
    ['aborted', 8, false, undefined],
  );
});

test('a cut upload over HTTP/1.1 is recorded as aborted', async () => {
  const socket = net.connect(standIn.port, '127.0.0.1');
  socket.write('POST /demo/upload?cut=h1 HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npartial');
  await standIn.waitFor(({ target, bytes }) => target.endsWith('cut=h1') && bytes === 7);
  socket.destroy();
  const record = await standIn.waitFor(({ target, ended }) => target.endsWith('cut=h1') && ended !== undefined);
  assert.deepEqual([record.ended, record.bodyComplete, record.status], ['aborted', false, undefined]);
});

test('request trailers and complete bodies are recorded over both protocols', async () => {
  await using client = new H2Client(standIn.url);
  const stream = client.session.request({ ':path': '/demo/upload?t=h2', ':method': 'POST' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
  stream.end('body');
  stream.resume();
  await once(stream, 'close');
  const socket = net.connect(standIn.port, '127.0.0.1');
  socket.write('POST /demo/upload?t=h1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  socket.write('4\r\nbody\r\n0\r\nx-sum: 1\r\n\r\n');
  for (const protocol of ['h1', 'h2']) {
    const { bytes, bodyComplete, trailers } = await standIn.waitFor(
      ({ target, ended }) => target.endsWith(`t=${protocol}`) && ended === 'complete',
    );
    assert.deepEqual([bytes, bodyComplete, trailers], [4, true, ['x-sum', '1']]);
  }
  socket.destroy();
});

test('the first bytes choose the protocol even when they come one by one', async () => {
  const socket = net.connect({ port: standIn.port, host: '127.0.0.1', noDelay: true });
  for (const byte of 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') {
    await new Promise<void>((resolve) => socket.write(byte, () => resolve()));
  }
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  const [frame] = await once(socket, 'data');
  assert.equal(frame[3], 4, 'a SETTINGS frame');
  socket.destroy();
});

test('records are bounded, sessions are counted', async () => {
  await using client = new H2Client(standIn.url);
  for (let i = 0; i < 60; i += 1) await client.ask('/debug/healthz');
  assert.equal(standIn.requests.length, 50);
  assert.ok(standIn.sessions >= 1);
  assert.ok(standIn.openSessions >= 1);
});

test('a wait can be given up', async () => {
  const wait = standIn.waitFor(() => false, AbortSignal.abort(new Error('given up')));
  await assert.rejects(wait, { message: 'given up' });
});
