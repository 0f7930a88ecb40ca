// An HTTP/1.1 upstream, as Login v2 is, behind HTTP/2 clients: RFC 9112 sections 6 to 8, RFC 9113 section 8.1.
// Harm: HTTP/1.1 ends a cut answer by closing; taken for an end, half a page is a whole one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { type BytePeer, startByteServer } from '../support/h1-bytes.ts';
import { connectFrames } from '../support/h2-frames.ts';
import { Flag, outcome, plain } from './raw-upstream.ts';

const PAGE = '/ui/v2/login/loginname';

/** A Login v2 by hand behind a gateway; the gateway's own checks of it are answered. */
async function setUp(onHead: (peer: BytePeer, head: string) => void) {
  const login = await startByteServer((peer, head) => {
    if (/^GET (\/debug|\/ui\/v2\/login\/healthy)/.test(head)) peer.send('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    else onHead(peer, head);
  });
  const gateway = await startGateway({ login: login.address, config: { hints: false } });
  const client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  return {
    login,
    gateway,
    client,
    record: async () => (await gateway.over(({ record }) => record.endpoint === login.address)).record,
    async [Symbol.asyncDispose]() {
      client.close();
      await gateway[Symbol.asyncDispose]();
      await login[Symbol.asyncDispose]();
    },
  };
}

for (const [what, answer] of [
  ['a chunked answer without its last chunk', 'transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['an answer shorter than its Content-Length', 'content-length: 100\r\n\r\nhalf'],
] as const) {
  for (const how of ['FIN', 'RST'] as const) {
    test(`${what}, cut by ${how}, is RST_STREAM and no END_STREAM`, async () => {
      await using setup = await setUp((peer) => peer.send(`HTTP/1.1 200 OK\r\n${answer}`));
      const { client } = setup;
      client.headers(1, plain('GET', PAGE), Flag.END_STREAM);
      await client.next(({ type, stream }) => type === 0 && stream === 1);
      const peer = setup.login.peers.find(({ text }) => text.includes(PAGE))!;
      if (how === 'FIN') peer.socket.end();
      else peer.abort();
      assert.deepEqual(await outcome(client, 1), ['HEADERS', 'DATA', 'RST_STREAM code 8']);
      const record = await setup.record();
      assert.deepEqual([record.error!.code, record.bytesOut, record.status], ['UPSTREAM_CUT', 4, 200]);
    });
  }
}

test('a chunked answer with trailers ends in HEADERS with END_STREAM', async () => {
  await using setup = await setUp((peer) => {
    peer.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    peer.chunk('body');
    peer.lastChunk([['x-sum', '4']]);
  });
  setup.client.headers(1, plain('GET', PAGE), Flag.END_STREAM);
  assert.deepEqual(await outcome(setup.client, 1), ['HEADERS', 'DATA', 'HEADERS+END_STREAM']);
});

test('a client that cancels its upload breaks the connection before the last chunk', async () => {
  const { promise, resolve } = Promise.withResolvers<BytePeer>();
  await using setup = await setUp(resolve);
  setup.client.headers(1, plain('POST', PAGE));
  setup.client.data(1, 'half');
  const uploading = await promise;
  await uploading.has('half');
  setup.client.reset(1, 8);
  await uploading.over();
  assert.ok(!uploading.text.endsWith('0\r\n\r\n'));
  assert.equal((await setup.record()).error!.code, 'CLIENT_LEFT');
});

test('an answer that is no HTTP is UPSTREAM_PROTOCOL, and is asked for once', async () => {
  let heads = 0;
  await using setup = await setUp((peer) => {
    heads += 1;
    peer.send('SSH-2.0-OpenSSH_9.9\r\n');
  });
  setup.client.headers(1, plain('GET', PAGE), Flag.END_STREAM);
  await outcome(setup.client, 1);
  const record = await setup.record();
  assert.deepEqual([record.error!.code, record.status, heads], ['UPSTREAM_PROTOCOL', 502, 1]);
});

for (const field of ['content-type: c/d', 'age: 1\r\nage: 2', 'expires: 0\r\nexpires: 0', 'etag: "a"\r\netag: "b"']) {
  test(`fields that stand twice where once is meant pass as they are: ${field.replace('\r\n', ', ')}`, async () => {
    await using setup = await setUp((peer) =>
      peer.send(`HTTP/1.1 200 OK\r\ncontent-type: a/b\r\n${field}\r\ncontent-length: 2\r\n\r\nok`),
    );
    setup.client.headers(1, plain('GET', PAGE), Flag.END_STREAM);
    assert.deepEqual(await outcome(setup.client, 1), ['HEADERS', 'DATA', 'DATA+END_STREAM']);
    assert.equal((await setup.record()).status, 200);
  });
}

for (const [what, head] of [
  ['a status above 599', 'HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok'],
  ['a status below 100', 'HTTP/1.1 042 Odd\r\ncontent-length: 2\r\n\r\nok'],
  ['a control character in a value', 'HTTP/1.1 200 OK\r\nx-odd: a\x01b\r\ncontent-length: 2\r\n\r\nok'],
  ['a name with a space', 'HTTP/1.1 200 OK\r\nx odd: ab\r\ncontent-length: 2\r\n\r\nok'],
  ['a head of 300 KB', `HTTP/1.1 200 OK\r\n${`x-odd: ${'a'.repeat(6000)}\r\n`.repeat(50)}content-length: 2\r\n\r\nok`],
  ['a name that begins with a colon', 'HTTP/1.1 200 OK\r\n:path: /\r\ncontent-length: 2\r\n\r\nok'],
] as const) {
  test(`an answer that HTTP/2 cannot say, ${what}, is an error for the client and for nobody else`, async () => {
    await using setup = await setUp((peer, request) =>
      peer.send(request.includes('?odd') ? head : 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
    );
    setup.client.headers(1, plain('GET', `${PAGE}?odd`), Flag.END_STREAM);
    await outcome(setup.client, 1);
    assert.deepEqual([(await setup.record()).error?.code, (await setup.record()).status], ['UPSTREAM_PROTOCOL', 502]);
    setup.client.headers(3, plain('GET', PAGE), Flag.END_STREAM);
    assert.equal((await outcome(setup.client, 3)).at(-1), 'DATA+END_STREAM');
  });
}

test('a 103 with fields of its connection does no harm to an h2 client', async () => {
  await using setup = await setUp((peer) => {
    peer.send('HTTP/1.1 103 Early Hints\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\nlink: </a.js>\r\n\r\n');
    peer.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  setup.client.headers(1, plain('GET', PAGE), Flag.END_STREAM);
  assert.deepEqual(await outcome(setup.client, 1), ['HEADERS', 'HEADERS', 'DATA', 'DATA+END_STREAM']);
});
