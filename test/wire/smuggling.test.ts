// Requests in which two readers could see two messages: RFC 9112 sections 2.2, 5.1, 6.1 and 6.3, RFC 9113 section 8.2.1.
// Harm: what the gateway takes for a body, an upstream takes for a request that nobody has checked.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { connectRaw, startRawUpstream } from '../support/h1-raw.ts';
import { connectFrames, Flag } from '../support/h2-frames.ts';

let zitadel: StandIn;
let login: Awaited<ReturnType<typeof startRawUpstream>>;
let gateway: TestGateway;
before(async () => {
  zitadel = await startStandIn();
  login = await startRawUpstream();
  gateway = await startGateway({ zitadel: `127.0.0.1:${zitadel.port}`, login: login.address });
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await login[Symbol.asyncDispose]();
  await zitadel.close();
});

const POST = 'POST /oauth/v2/token HTTP/1.1\r\nhost: localhost\r\n';
const SMUGGLED = 'GET /debug/smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n';
const CHUNKED = `0\r\n\r\n${SMUGGLED}`;

/** What is refused, with the connection closed behind the answer, so that nothing after it counts as a request. */
const REFUSED: [title: string, bytes: string][] = [
  ['Content-Length with Transfer-Encoding', `${POST}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n${CHUNKED}`],
  ['Transfer-Encoding with Content-Length', `${POST}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n${CHUNKED}`],
  [
    'two Transfer-Encodings, the last identity',
    `${POST}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n${CHUNKED}`,
  ],
  ['Transfer-Encoding: chunked, identity', `${POST}transfer-encoding: chunked, identity\r\n\r\n${CHUNKED}`],
  ['Transfer-Encoding: chunked, chunked', `${POST}transfer-encoding: chunked, chunked\r\n\r\n${CHUNKED}`],
  ['Transfer-Encoding: gzip, chunked', `${POST}transfer-encoding: gzip, chunked\r\n\r\n${CHUNKED}`],
  ['Transfer-Encoding: xchunked', `${POST}transfer-encoding: xchunked\r\n\r\n${CHUNKED}`],
  ['Transfer-Encoding: identity', `${POST}transfer-encoding: identity\r\n\r\n${CHUNKED}`],
  ['Transfer-Encoding with a vertical tab', `${POST}transfer-encoding: \x0bchunked\r\n\r\n${CHUNKED}`],
  ['Transfer-Encoding in quotes', `${POST}transfer-encoding: "chunked"\r\n\r\n${CHUNKED}`],
  ['Transfer-Encoding in HTTP/1.0', `${POST.replace('1.1', '1.0')}transfer-encoding: chunked\r\n\r\n${CHUNKED}`],
  ['two Content-Lengths that differ', `${POST}content-length: 0\r\ncontent-length: 3\r\n\r\n${SMUGGLED}`],
  ['two Content-Lengths that are equal', `${POST}content-length: 0\r\ncontent-length: 0\r\n\r\n${SMUGGLED}`],
  ['a list as Content-Length', `${POST}content-length: 0, 0\r\n\r\n${SMUGGLED}`],
  ['Content-Length with a plus', `${POST}content-length: +0\r\n\r\n${SMUGGLED}`],
  ['Content-Length with a minus', `${POST}content-length: -0\r\n\r\n${SMUGGLED}`],
  ['Content-Length in hex', `${POST}content-length: 0x0\r\n\r\n${SMUGGLED}`],
  ['Content-Length without a number', `${POST}content-length:\r\n\r\n${SMUGGLED}`],
  ['Content-Length with a space inside', `${POST}content-length: 0 0\r\n\r\n${SMUGGLED}`],
  ['Content-Length above 2^64', `${POST}content-length: 18446744073709551616\r\n\r\n${SMUGGLED}`],
  ['a space before the colon', `${POST}content-length : 0\r\n\r\n${SMUGGLED}`],
  ['obs-fold', `${POST}x: a\r\n b\r\ncontent-length: 0\r\n\r\n${SMUGGLED}`],
  ['obs-fold of the first field', `POST /oauth/v2/token HTTP/1.1\r\n host: localhost\r\n\r\n${SMUGGLED}`],
  ['bare LF', `POST /oauth/v2/token HTTP/1.1\nhost: localhost\n\n${SMUGGLED}`],
  ['a bare LF between fields', `${POST}x: a\ntransfer-encoding: chunked\r\n\r\n${CHUNKED}`],
  ['a bare CR in a value', `${POST}x: a\rtransfer-encoding: chunked\r\n\r\n${SMUGGLED}`],
  ['NUL in a value', `${POST}x: a\0b\r\n\r\n${SMUGGLED}`],
  ['NUL in a name', `${POST}x\0: a\r\n\r\n${SMUGGLED}`],
  ['a name in parentheses', `${POST}x(y): a\r\n\r\n${SMUGGLED}`],
  ['an empty name', `${POST}: a\r\n\r\n${SMUGGLED}`],
  ['a line without a colon', `${POST}nothing\r\n\r\n${SMUGGLED}`],
  ['a space in the target', `GET /saml/v2/metadata HTTP/1.1 x HTTP/1.1\r\nhost: localhost\r\n\r\n${SMUGGLED}`],
  ['HTTP/2.0 as a version', `GET /saml/v2/metadata HTTP/2.0\r\nhost: localhost\r\n\r\n${SMUGGLED}`],
  ['HTTP/0.9', `GET /saml/v2/metadata\r\n\r\n${SMUGGLED}`],
  ['a chunk size that is no number', `${POST}transfer-encoding: chunked\r\n\r\nzz\r\n\r\n${SMUGGLED}`],
  ['a chunk size with a sign', `${POST}transfer-encoding: chunked\r\n\r\n+0\r\n\r\n${SMUGGLED}`],
  ['a chunk size in 0x', `${POST}transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n${SMUGGLED}`],
  ['a chunk size that ends in LF', `${POST}transfer-encoding: chunked\r\n\r\n0\n\r\n${SMUGGLED}`],
  ['a chunk longer than it says', `${POST}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n${SMUGGLED}`],
  ['a chunk size above 2^64', `${POST}transfer-encoding: chunked\r\n\r\n10000000000000000\r\n\r\n${SMUGGLED}`],
];
for (const [title, bytes] of REFUSED) {
  test(`http/1.1: ${title} is refused, and nothing behind it counts`, async () => {
    const seen = gateway.ended.length;
    using client = await connectRaw(gateway.port('clear'));
    client.send(bytes);
    const answer = await client.answer();
    assert.equal(answer?.status, 400);
    assert.equal(answer.header('connection'), 'close');
    await client.gone();
    assert.equal(client.rest.length, 0, client.rest.toString());
    for (const { exchange } of gateway.ended.slice(seen)) assert.doesNotMatch(exchange.raw.target, /smuggled/);
    assert.ok(zitadel.requests.every(({ target }) => !target.includes('smuggled')));
  });
}

test('http/1.1: what the parser refuses is announced with its code', async () => {
  using client = await connectRaw(gateway.port('clear'));
  client.send(`${POST}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`);
  const event = await gateway.announcement('connection_ended', ({ code }) => code === 'HPE_INVALID_TRANSFER_ENCODING');
  assert.equal(event.reason, 'malformed HTTP/1.1');
  assert.equal(event.peerAddress, '127.0.0.1');
});

test('http/1.1: garbage behind a request that waits for its answer is not answered in its place', async () => {
  await zitadel.fail({ mode: 'hang' });
  using client = await connectRaw(gateway.port('clear'));
  client.send('GET /saml/v2/metadata?waits HTTP/1.1\r\nhost: localhost\r\n\r\n\0\0\0\0');
  await client.gone();
  await zitadel.heal();
  assert.equal(client.rest.length, 0, client.rest.toString());
  const { record } = await gateway.over(({ exchange }) => exchange.raw.target.endsWith('?waits'));
  assert.equal(record.error?.code, 'CLIENT_LEFT');
});

test('http/1.1: chunk extensions and chunked trailers are reframed: the upstream gets the data alone', async () => {
  const before = login.seen.length;
  using client = await connectRaw(gateway.port('clear'));
  client.send('POST /ui/v2/login/x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n');
  client.send('3;ext="a"\r\nabc\r\n2\r\nde\r\n0\r\nx-trailer: t\r\n\r\n');
  assert.equal((await client.answer())?.status, 200);
  assert.equal(login.seen.length, before + 1);
  assert.doesNotMatch(login.received(), /ext=/);
});

/** Sends one request over HTTP/2 to the HTTP/1.1 upstream; gives the heads that the upstream saw because of it. */
async function throughToH1(
  fields: readonly (readonly [string, string])[],
): Promise<{ frames: string[]; heads: string[][] }> {
  const before = login.seen.length;
  using client = await connectFrames(gateway.port('clear'));
  client.headers(1, fields, Flag.END_STREAM);
  const frames = await client.finished(1);
  return { frames, heads: login.seen.slice(before).map(({ lines }) => [...lines]) };
}

const INJECTED = 'x\r\nx-injected: 1\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a';
const pseudo = (
  more: Partial<Record<':method' | ':path' | ':authority' | ':scheme', string>> = {},
): [string, string][] =>
  Object.entries({
    ':method': 'GET',
    ':scheme': 'http',
    ':authority': 'localhost',
    ':path': '/ui/v2/login/x',
    ...more,
  });

const INJECTIONS: [title: string, fields: [string, string][]][] = [
  ['CR LF in a value', [...pseudo(), ['x', INJECTED]]],
  ['LF in a value', [...pseudo(), ['x', 'a\nx-injected: 1']]],
  ['CR in a value', [...pseudo(), ['x', 'a\rx-injected: 1']]],
  ['NUL in a value', [...pseudo(), ['x', 'a\0x-injected: 1']]],
  ['CR LF in a name', [...pseudo(), ['x: 1\r\nx-injected', '1']]],
  ['a colon in a name', [...pseudo(), ['x-injected: 1', '1']]],
  ['a space in a name', [...pseudo(), ['x-injected ', '1']]],
  ['upper case in a name', [...pseudo(), ['X-Injected', '1']]],
  ['CR LF in the path', pseudo({ ':path': `/ui/v2/login/${INJECTED}` })],
  ['CR LF in the query', pseudo({ ':path': `/ui/v2/login/x?${INJECTED}` })],
  ['a space in the path', pseudo({ ':path': '/ui/v2/login/x HTTP/1.1' })],
  ['a space in the query', pseudo({ ':path': '/ui/v2/login/x?a HTTP/1.1' })],
  ['CR LF in the method', pseudo({ ':method': `GET ${INJECTED}` })],
  ['a space in the method', pseudo({ ':method': 'GET /smuggled' })],
  ['CR LF in the authority', pseudo({ ':authority': `a\r\nx-injected: 1` })],
  ['CR LF in Host', [...pseudo(), ['host', 'localhost\r\nx-injected: 1']]],
  ['CR LF in the scheme', pseudo({ ':scheme': 'http\r\nx-injected: 1' })],
  ['Transfer-Encoding', [...pseudo(), ['transfer-encoding', 'chunked'], ['x-injected', '1']]],
  ['Connection', [...pseudo(), ['connection', 'x'], ['x-injected', '1']]],
  ['a pseudo-header after a field', [...pseudo().slice(1), ['x-injected', '1'], [':method', 'GET']]],
  ['an unknown pseudo-header', [...pseudo(), [':x-injected', '1']]],
];
for (const [title, fields] of INJECTIONS) {
  test(`h2 to an HTTP/1.1 upstream: ${title} makes no second field and no second request`, async () => {
    const { frames, heads } = await throughToH1(fields);
    assert.ok(heads.length <= 1);
    for (const line of heads.flat()) assert.doesNotMatch(line, /x-injected|smuggled/i);
    // Dropped as a field or refused as a request, but answered in either case.
    assert.ok(frames.length > 0);
    if (heads.length === 0) assert.ok(frames[0]?.startsWith('RST_STREAM') || frames[0]?.startsWith('HEADERS'));
  });
}

test('h2: a body longer or shorter than its Content-Length never looks complete upstream', async () => {
  for (const [length, body] of [
    ['3', 'abcd'],
    ['5', 'abcd'],
  ] as const) {
    using client = await connectFrames(gateway.port('clear'));
    client.headers(1, [
      ...pseudo({ ':method': 'POST', ':path': `/oauth/v2/token?cl=${length}` }),
      ['content-length', length],
    ]);
    client.data(1, body, Flag.END_STREAM);
    const frames = await client.finished(1);
    assert.ok(client.closed || frames.at(-1)?.startsWith('RST_STREAM 1'), frames.join(' '));
    const seen = zitadel.requests.find(({ target }) => target.endsWith(`cl=${length}`));
    assert.notEqual(seen?.bodyComplete, true);
  }
});

test('http/1.1: Upgrade: h2c and HTTP2-Settings are dropped, and the request is answered over HTTP/1.1', async () => {
  const target = '/saml/v2/metadata?h2c';
  using client = await connectRaw(gateway.port('clear'));
  const settings = 'http2-settings: AAMAAABkAARAAAAAAAIAAAAA';
  client.request(
    `GET ${target} HTTP/1.1`,
    'host: localhost',
    'connection: Upgrade, HTTP2-Settings',
    'upgrade: h2c',
    settings,
  );
  assert.equal((await client.answer())?.status, 200);
  const { rawHeaders } = await zitadel.waitFor((one) => one.target === target);
  for (const name of ['upgrade', 'http2-settings', 'connection']) assert.equal(rawHeaders.includes(name), false, name);
  // The connection goes on as HTTP/1.1.
  client.request('GET /saml/v2/metadata HTTP/1.1', 'host: localhost');
  assert.equal((await client.answer())?.status, 200);
});
