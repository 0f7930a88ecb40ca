// HTTP/1.1 clients in front of an HTTP/2 upstream: RFC 9112 sections 6 to 8, RFC 9110 sections 9.3, 10.1.1 and 14.
// Harm: a cut answer that looks complete is cached, an upload that waits for 100 Continue hangs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ONE_CHECK, startGateway } from '../support/gateway.ts';
import { connectBytes } from '../support/h1-bytes.ts';
import { connectFrames } from '../support/h2-frames.ts';
import { Flag, outcome, plain, startUpstream } from './raw-upstream.ts';

const QUIET = { hints: false } as const;
const GET = 'GET /v2/users HTTP/1.1\r\nhost: localhost\r\n\r\n';

for (const listener of ['clear', 'public'] as const) {
  for (const [what, fields] of [
    ['chunked', [[':status', '200']]],
    [
      'of a known length',
      [
        [':status', '200'],
        ['content-length', '100'],
      ],
    ],
  ] as const) {
    for (const how of ['RST_STREAM', 'a lost connection'] as const) {
      test(`${listener}: an answer ${what} that is cut by ${how} breaks the connection before its end`, async () => {
        await using upstream = await startUpstream((request) => {
          request.head(fields);
          request.data('half');
        });
        await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
        await upstream.checked;
        using client = await connectBytes(gateway.port(listener), listener === 'public' ? { ca: gateway.ca } : {});
        client.send(GET);
        await client.has('half');
        const request = await upstream.request(0);
        if (how === 'RST_STREAM') request.reset(2);
        else request.vanish();
        await client.over();
        assert.ok(!client.text.includes('\r\n0\r\n'), client.text);
        const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
        assert.deepEqual([record.error!.code, record.bytesOut], ['UPSTREAM_CUT', 4]);
      });
    }
  }
}

for (const listener of ['clear', 'public'] as const) {
  for (const engine of ['node', 'frames'] as const) {
    test(`${listener}, ${engine}: an answer that is cut in the packet of its head still shows its head: without a byte browsers would send a POST again`, async () => {
      await using upstream = await startUpstream((request) => {
        request.head();
        request.data('half');
        request.reset(2);
      });
      const zitadel = { endpoints: [upstream.address], http2_engine: engine, health: ONE_CHECK };
      await using gateway = await startGateway({ zitadel, config: QUIET });
      await upstream.checked;
      using client = await connectBytes(gateway.port(listener), listener === 'public' ? { ca: gateway.ca } : {});
      client.send('POST /v2/users HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n');
      await client.over();
      assert.match(client.text, /^HTTP\/1\.1 200 /);
      assert.ok(!client.text.includes('\r\n0\r\n'), client.text);
    });
  }
}

test('HTTP/1.0: a cut answer, which would end with the connection, ends with a TCP reset', async () => {
  await using upstream = await startUpstream((request) => {
    request.head();
    request.data('half');
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectBytes(gateway.port('clear'));
  client.send('GET /v2/users HTTP/1.0\r\nhost: localhost\r\n\r\n');
  await client.has('half');
  assert.ok(!/transfer-encoding/i.test(client.text));
  (await upstream.request(0)).reset(2);
  assert.equal(await client.over(), 'RST');
});

test('HTTP/1.0: a complete answer ends with a FIN', async () => {
  await using upstream = await startUpstream((request) => request.answer());
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectBytes(gateway.port('clear'));
  client.send('GET /v2/users HTTP/1.0\r\nhost: localhost\r\n\r\n');
  assert.equal(await client.over(), 'FIN');
  assert.match(client.text, /\r\n\r\nok$/);
});

test('a chunked request passes as it comes, with its trailers; the answer ends with the last chunk', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectBytes(gateway.port('clear'));
  client.send('POST /v2/users HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n');
  client.chunk('one');
  const request = await upstream.request(0);
  await request.received(3);
  assert.ok(!request.frames.includes('DATA+END_STREAM'));
  client.chunk('two');
  client.lastChunk([['x-sum', '6']]);
  assert.equal((await request.finished()).at(-1), 'HEADERS+END_STREAM');
  assert.equal(request.peer.body(request.id).toString(), 'onetwo');
  request.answer();
  assert.match(await client.has('\r\n0\r\n\r\n'), /\r\ntransfer-encoding: chunked\r\n/i);
});

test('Expect: 100-continue is answered when the upstream has the request, and the body follows', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectBytes(gateway.port('clear'));
  client.send('POST /v2/users HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n');
  assert.equal(await client.has('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.send('body');
  const request = await upstream.request(0);
  await request.finished();
  assert.equal(request.peer.body(request.id).toString(), 'body');
  request.answer();
  assert.match(await client.has('200 OK'), /100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
});

test('a refused upload has its final status and no 100', async () => {
  await using upstream = await startUpstream();
  const policies = { body_limit: { max_bytes: 3 } };
  await using gateway = await startGateway({ zitadel: upstream.address, config: { ...QUIET, policies } });
  using client = await connectBytes(gateway.port('clear'));
  client.send('POST /v2/users HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n');
  assert.match(await client.has('\r\n\r\n'), /^HTTP\/1\.1 413 /);
  assert.equal(upstream.arrived.length, 0);
});

test('HEAD keeps the Content-Length of the answer it did not get, on both protocols', async () => {
  await using upstream = await startUpstream((request) =>
    request.head(
      [
        [':status', '200'],
        ['content-length', '5000'],
      ],
      Flag.END_STREAM,
    ),
  );
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using h1 = await connectBytes(gateway.port('clear'));
  h1.send('HEAD /v2/users HTTP/1.1\r\nhost: localhost\r\n\r\n');
  assert.match(await h1.has('\r\n\r\n'), /\r\ncontent-length: 5000\r\n/);
  // The connection is in order: another request goes over it.
  h1.text = '';
  h1.send('HEAD /v2/users HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await h1.has('\r\n\r\n');
  using h2 = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  h2.headers(1, plain('HEAD'), Flag.END_STREAM);
  assert.deepEqual(await outcome(h2, 1), ['HEADERS+END_STREAM']);
});

test('OPTIONS and a range pass as they are: 204 without a body, 206 with Content-Range', async () => {
  await using upstream = await startUpstream((request, index) => {
    if (index === 0)
      request.head(
        [
          [':status', '204'],
          ['allow', 'GET'],
        ],
        Flag.END_STREAM,
      );
    else {
      request.head([
        [':status', '206'],
        ['content-range', 'bytes 0-1/10'],
        ['content-length', '2'],
      ]);
      request.data('ok', Flag.END_STREAM);
    }
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectBytes(gateway.port('clear'));
  client.send('OPTIONS /v2/users HTTP/1.1\r\nhost: localhost\r\n\r\n');
  assert.match(await client.has('\r\n\r\n'), /^HTTP\/1\.1 204 /);
  client.text = '';
  client.send('GET /v2/users HTTP/1.1\r\nhost: localhost\r\nrange: bytes=0-1\r\n\r\n');
  const text = await client.has('\r\n\r\nok');
  assert.match(text, /^HTTP\/1\.1 206 /);
  assert.match(text, /\r\ncontent-range: bytes 0-1\/10\r\n/);
});

test('server-sent events arrive one by one, nothing waits for more', async () => {
  await using upstream = await startUpstream((request) =>
    request.head([
      [':status', '200'],
      ['content-type', 'text/event-stream'],
    ]),
  );
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectBytes(gateway.port('public'), { ca: gateway.ca });
  client.send(GET);
  await client.has('\r\n\r\n');
  const request = await upstream.request(0);
  for (const event of ['one', 'two', 'three']) {
    request.data(`data: ${event}\n\n`);
    await client.has(`data: ${event}\n\n`);
  }
  request.data('', Flag.END_STREAM);
  await client.has('\r\n0\r\n\r\n');
});

test('interim answers: a 103 of the upstream reaches an h2 client, an HTTP/1.1 client gets the final answer only', async () => {
  await using upstream = await startUpstream((request) => {
    request.head([
      [':status', '103'],
      ['link', '</a.js>'],
    ]);
    request.answer();
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using h2 = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  h2.headers(1, plain('GET'), Flag.END_STREAM);
  assert.deepEqual(await outcome(h2, 1), ['HEADERS', 'HEADERS', 'DATA', 'DATA+END_STREAM']);
  using h1 = await connectBytes(gateway.port('clear'));
  h1.send(GET);
  assert.match(await h1.has('\r\n0\r\n\r\n'), /^HTTP\/1\.1 200 /);
});
