// Defects of the packages in the pipeline that were measured, each shown not to reach a caller. Versions are those of
// package.json; when one is raised, this file says what to look at.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { startLoginStandIn } from '../../src/demo/login-stand-in.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { startGateway } from '../support/gateway.ts';
import { connectFrames, Flag } from '../support/h2-frames.ts';

const hostOf = (url: string): string => new URL(url).host;
const DEMO = { routes: [{ name: 'demo', paths: ['/demo/*'] }] };

interface Answer {
  readonly headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader;
  readonly body: Buffer;
}

async function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: Buffer,
): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const [answer, ...chunks] = await Promise.all([
    new Promise<Answer['headers']>((resolve) => stream.once('response', resolve)),
    stream.toArray(),
  ]);
  return { headers: answer, body: Buffer.concat(chunks.flat()) };
}

test('@fastify/compress 9.2.0 unpacks request bodies by default: an encoded body goes on as it came', async () => {
  await using zitadel = await startStandIn();
  await using gateway = await startGateway({ zitadel: hostOf(zitadel.url), config: DEMO });
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  const packed = zlib.gzipSync('x'.repeat(5000));
  const headers = {
    ':path': '/demo/echo',
    ':method': 'POST',
    'content-encoding': 'gzip',
    'content-length': packed.length,
  };
  const { body } = await ask(session, headers, packed);
  assert.equal(JSON.parse(body.toString()).bodyBytes, packed.length);
  session.close();
});

test('@fastify/compress 9.2.0 leaves Vary out where it does not compress: error pages have it either way', async () => {
  await using gateway = await startGateway();
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  for (const encoding of ['br', 'gzip', 'identity']) {
    const headers = { ':path': '/ui/login/login', accept: 'text/html', 'accept-encoding': encoding };
    const { headers: answer, body } = await ask(session, headers);
    assert.equal(answer[':status'], 502);
    assert.match(String(answer.vary), /accept-encoding/);
    const coding = answer['content-encoding'] ?? 'identity';
    const page = coding === 'br' ? zlib.brotliDecompressSync(body) : coding === 'gzip' ? zlib.gunzipSync(body) : body;
    assert.equal(coding, encoding);
    assert.match(page.toString(), /<html/);
  }
  session.close();
});

test('fastify 5.12.8 adds `content-length: 0` to answers without a body: a trailers-only refusal stays one HEADERS frame', async () => {
  await using gateway = await startGateway();
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, [
    [':method', 'POST'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', '/zitadel.admin.v1.AdminService/Healthz'],
    ['content-type', 'application/grpc'],
  ]);
  client.data(1, '\0\0\0\0\0', Flag.END_STREAM);
  assert.deepEqual(await client.finished(1), ['HEADERS+END_STREAM 1']);
  assert.equal((await gateway.over(() => true)).record.grpcStatus, '14');
});

test('@fastify/reply-from 12.6.5 sends a GET again that was answered 503: ours is sent once', async () => {
  await using zitadel = await startStandIn();
  await using login = await startLoginStandIn({ apiUrl: 'http://127.0.0.1:1' });
  await using gateway = await startGateway({
    zitadel: hostOf(zitadel.url),
    login: hostOf(login.url),
    config: { preset: { name: 'zitadel', login_upstream: 'login', open: ['health'] } },
  });
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  const { headers } = await ask(session, { ':path': '/ui/v2/login/ready' });
  assert.equal(headers[':status'], 503);
  assert.equal(login.requests.filter(({ path }) => path === '/ui/v2/login/ready').length, 1);
  session.close();
});

test('@fastify/reply-from 12.6.5 decodes and rebuilds the path: the raw target reaches an HTTP/1.1 upstream byte for byte', async () => {
  await using login = await startLoginStandIn();
  await using gateway = await startGateway({ login: hostOf(login.url) });
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  const target = '/ui/v2/login/%6c%6fginname?a=%2F%3f&b=x%20y&b=2';
  await ask(session, { ':path': target });
  assert.equal(login.requests.at(-1)!.target, target);
  session.close();
});

test('@fastify/http-proxy 11.6.3 knows seven methods only: others get 405, and DELETE with a body passes', async () => {
  await using zitadel = await startStandIn();
  await using gateway = await startGateway({ zitadel: hostOf(zitadel.url), config: DEMO });
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  const deleted = await ask(session, { ':path': '/demo/echo', ':method': 'DELETE' }, Buffer.from('body'));
  assert.equal(deleted.headers[':status'], 200);
  const { headers } = await ask(session, { ':path': '/demo/echo', ':method': 'PROPFIND' });
  assert.equal(headers[':status'], 405);
  assert.match(String(headers.allow), /GET/);
  session.close();
});
