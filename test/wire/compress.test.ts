// Compressed answers on the wire: what clients get decodes to what the upstream sent, at the pace of both, and a cut
// answer never looks complete.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import type { CodingName } from '../../src/encoding/coding.ts';
import { codingOf } from '../../src/encoding/index.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';

/** What the upstream of a test does with a request. */
type Play = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

let play: Play = (stream) => stream.respond({ ':status': 404 }, { endStream: true });
let upstream: http2.Http2Server;
let gateway: TestGateway;
let standIn: StandIn;
let demo: TestGateway;

before(async () => {
  upstream = http2.createServer();
  upstream.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    if (headers[':path'] === '/debug/ready') stream.respond({ ':status': 200 }, { endStream: true });
    else play(stream, headers);
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  gateway = await startGateway({ zitadel: `127.0.0.1:${(upstream.address() as AddressInfo).port}` });
  standIn = await startStandIn();
  demo = await startGateway({ zitadel: `127.0.0.1:${standIn.port}` });
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await demo[Symbol.asyncDispose]();
  await standIn.close();
  upstream.close();
});

interface Got {
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly of: (name: string) => string[];
}

/** Asks with curl, which decodes nothing here. */
function curl(url: string, ...args: string[]): Promise<Got> {
  const { promise, resolve, reject } = Promise.withResolvers<Got>();
  const options = { encoding: 'buffer', maxBuffer: 64 << 20 } as const;
  execFile('curl', ['-sk', '-i', ...args, url], options, (error, stdout) => {
    if (error !== null) return reject(error);
    const end = stdout.indexOf('\r\n\r\n');
    const [first, ...lines] = stdout.subarray(0, end).toString('latin1').split('\r\n');
    const fields = lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
    resolve({
      status: Number(first!.split(' ')[1]),
      fields,
      body: stdout.subarray(end + 4),
      of: (name) => fields.filter(([one]) => one === name).map(([, value]) => value),
    });
  });
  return promise;
}

function decoded(got: Got): Buffer {
  const codings = got.of('content-encoding');
  assert.ok(codings.length <= 1);
  return codings.length === 0 ? got.body : Buffer.from(codingOf(codings[0] as CodingName).decode(got.body, 64 << 20));
}

/** Opens an HTTP/2 session to the gateway. */
function session(): http2.ClientHttp2Session & Disposable {
  const opened = http2.connect(gateway.url, { ca: gateway.ca });
  return Object.assign(opened, { [Symbol.dispose]: () => opened.destroy() });
}

const JSON_TYPE = { ':status': 200, 'content-type': 'application/json' };
const ASKED = { ':path': '/v2/users/1', 'accept-encoding': 'br' };

const ACCEPTED: [field: string, coding: string | undefined][] = [
  ['br', 'br'],
  ['zstd', 'zstd'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip;q=1, br;q=0.5', 'gzip'],
  ['*', 'gzip'],
  ['deflate', undefined],
  ['identity', undefined],
  ['br;q=0', undefined],
  ['identity;q=0', undefined],
  ['br;;q', undefined],
];

for (const protocol of ['--http1.1', '--http2']) {
  for (const [accepted, coding] of ACCEPTED) {
    test(`curl ${protocol}, Accept-Encoding ${accepted}: ${coding ?? 'as it is'}, one Vary, the bytes of the origin`, async () => {
      for (const path of ['/.well-known/openid-configuration', '/saml/v2/metadata']) {
        const plain = await curl(demo.url + path, protocol);
        const got = await curl(demo.url + path, protocol, '-H', `accept-encoding: ${accepted}`);
        assert.equal(got.status, 200);
        assert.deepEqual(got.of('content-encoding'), coding === undefined ? [] : [coding]);
        assert.equal(
          got
            .of('vary')
            .join()
            .match(/accept-encoding/gi)?.length,
          1,
        );
        assert.ok(decoded(got).equals(plain.body));
        if (coding !== undefined) assert.ok(got.body.length < plain.body.length);
      }
    });
  }
}

test('curl decodes by itself what it asked for with --compressed', async () => {
  const text = JSON.stringify(Array.from({ length: 5000 }, (_, i) => ({ userId: `${i}`, state: 'ACTIVE' })));
  play = (stream) => {
    stream.respond(JSON_TYPE);
    stream.end(text);
  };
  for (const protocol of ['--http1.1', '--http2']) {
    const got = await curl(`${gateway.url}/v2/users/1`, protocol, '--compressed');
    assert.equal(got.of('content-encoding').length, 1);
    assert.ok(got.body.equals(Buffer.from(text)));
  }
});

test('HTTP/1.0, which has no chunks: the coded body ends with the connection', async () => {
  play = (stream) => {
    stream.respond({ ...JSON_TYPE, 'content-length': 5000 });
    stream.end('a'.repeat(5000));
  };
  const got = await curl(`${gateway.clearUrl}/v2/users/1`, '--http1.0', '-H', 'accept-encoding: br');
  assert.deepEqual([got.of('content-encoding'), got.of('transfer-encoding')], [['br'], []]);
  assert.equal(decoded(got).length, 5000);
});

test('over IPv6 the same', async () => {
  await using six = await startGateway({
    zitadel: `127.0.0.1:${standIn.port}`,
    config: { listeners: [{ name: 'public', address: '[::1]:0', tls: { development: true } }] },
  });
  const url = `https://[::1]:${six.port('public')}/saml/v2/metadata`;
  const plain = await curl(url);
  const got = await curl(url, '-H', 'accept-encoding: zstd');
  assert.deepEqual(got.of('content-encoding'), ['zstd']);
  assert.equal(decoded(got).length, plain.body.length);
});

test('property: bodies of any size, in any pieces, of known length or not, decode to what the upstream sent', async () => {
  using client = session();
  const sizes = fc.oneof(fc.nat(3000), fc.integer({ min: 30_000, max: 36_000 }), fc.nat(400_000));
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.integer({ min: 500, max: 70_000 }),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom<CodingName>('br', 'zstd', 'gzip'),
      async (size, piece, known, random, coding) => {
        const body = random ? randomBytes(size) : Buffer.alloc(size, '{"state":"ACTIVE","id":"1234"},\n');
        play = (stream) => {
          stream.respond({ ...JSON_TYPE, ...(known && { 'content-length': size }) });
          for (let at = 0; at < size; at += piece) stream.write(body.subarray(at, at + piece));
          stream.end();
        };
        const request = client.request({ ...ASKED, 'accept-encoding': coding });
        const [headers] = (await once(request, 'response')) as [http2.IncomingHttpHeaders];
        const parts: Buffer[] = await request.toArray();
        const got = Buffer.concat(parts);
        const named = headers['content-encoding'];
        if (known && size < 1024) assert.equal(named, undefined);
        if (!known && size > 0) assert.equal(named, coding);
        assert.ok((named === undefined ? got : Buffer.from(codingOf(coding).decode(got, size + 1))).equals(body));
      },
    ),
    { numRuns: 60 },
  );
});

test('a body that comes bit by bit is shown bit by bit', async () => {
  using client = session();
  const opened = Promise.withResolvers<http2.ServerHttp2Stream>();
  play = (stream) => {
    stream.respond(JSON_TYPE);
    opened.resolve(stream);
  };
  const request = client.request(ASKED);
  const text = request.pipe(zlib.createBrotliDecompress());
  const from = await opened.promise;
  for (const word of ['first', 'second', 'third']) {
    from.write(`{"event":"${word}"}\n`);
    const [piece] = (await once(text, 'data')) as [Buffer];
    assert.equal(piece.toString(), `{"event":"${word}"}\n`);
  }
  from.end();
  await once(text, 'end');
});

test('a slow client slows the upstream down: what lies between is bounded, and all of it comes', async () => {
  using client = session();
  // Bytes that do not shrink, so that what was read says what was sent.
  const piece = 64 << 10;
  const pieces = 100;
  const body = randomBytes(piece * pieces);
  let sent = 0;
  play = (stream) => {
    stream.respond({ ...JSON_TYPE, 'content-length': body.length });
    const more = (): void => {
      if (sent === pieces) return void stream.end();
      sent += 1;
      stream.write(body.subarray((sent - 1) * piece, sent * piece), more);
    };
    more();
  };
  const request = client.request(ASKED);
  const got: Buffer[] = [];
  let bytes = 0;
  let most = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    got.push(chunk);
    bytes += chunk.length;
    most = Math.max(most, sent * piece - bytes);
    // Time for the others to run ahead.
    for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
  }
  assert.ok(most < 3 << 20, `${most} bytes on the way`);
  assert.ok(Buffer.from(codingOf('br').decode(Buffer.concat(got), 32 << 20)).equals(body));
});

test('trailers come after the coded body', async () => {
  using client = session();
  play = (stream) => {
    stream.respond(JSON_TYPE, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
    stream.end('a'.repeat(100_000));
  };
  const request = client.request(ASKED);
  const trailers = once(request, 'trailers');
  const got = Buffer.concat(await request.toArray());
  assert.equal(codingOf('br').decode(got, 200_000).length, 100_000);
  assert.equal(((await trailers) as [http2.IncomingHttpHeaders])[0]['x-sum'], '42');
});

test('an upstream that breaks off: HTTP/2 clients see a reset, HTTP/1.1 clients a body that does not end', async () => {
  play = (stream) => {
    // Without it Node ends the answer well before it resets.
    stream.respond(JSON_TYPE, { waitForTrailers: true });
    stream.write('a'.repeat(50_000), () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
  };
  using client = session();
  const request = client.request(ASKED);
  request.resume();
  const [error] = (await once(request, 'error')) as [Error];
  assert.match(error.message, /NGHTTP2_/);
  const url = `${gateway.url}/v2/users/1`;
  // 18: a transfer that ended early; 52: nothing came; 56: the connection was lost.
  await assert.rejects(curl(url, '--http1.1', '-H', 'accept-encoding: br'), (error: { code?: number }) =>
    [18, 52, 56].includes(error.code!),
  );
});

test('a client that leaves is heard upstream at once, also while the body is being coded', async () => {
  using client = session();
  const closed = Promise.withResolvers<number>();
  play = (stream) => {
    stream.on('close', () => closed.resolve(stream.rstCode));
    stream.respond(JSON_TYPE);
    stream.write('a'.repeat(60_000));
  };
  const request = client.request(ASKED);
  await once(request, 'data');
  request.close(http2.constants.NGHTTP2_CANCEL);
  assert.equal(await closed.promise, http2.constants.NGHTTP2_CANCEL);
});

test('the record counts the bytes that went to the client', async () => {
  const before = gateway.ended.length;
  play = (stream) => {
    stream.respond(JSON_TYPE);
    stream.end('a'.repeat(100_000));
  };
  using client = session();
  const request = client.request(ASKED);
  const got = Buffer.concat(await request.toArray());
  const { record } = await gateway.over((one) => gateway.ended.indexOf(one) >= before);
  assert.equal(record.bytesOut, got.length);
});

test('HEAD says what GET says', async () => {
  play = (stream, headers) => {
    stream.respond(
      { ...JSON_TYPE, 'content-length': 5000, etag: '"v1"' },
      { endStream: headers[':method'] === 'HEAD' },
    );
    if (headers[':method'] === 'GET') stream.end('a'.repeat(5000));
  };
  const url = `${gateway.url}/v2/users/1`;
  const shown = ({ fields }: Got) => fields.filter(([name]) => !['date', 'x-request-id'].includes(name));
  const got = await curl(url, '--http2', '-H', 'accept-encoding: br');
  assert.deepEqual(got.of('etag'), ['W/"v1-br"']);
  assert.deepEqual(shown(await curl(url, '--http2', '-I', '-H', 'accept-encoding: br')), shown(got));
});

test('a condition with the tag of the coded answer is met by the origin, and the 304 has that tag again', async () => {
  let asked: string | undefined;
  play = (stream, headers) => {
    asked = headers['if-none-match'];
    stream.respond({ ':status': 304, etag: '"v1"' }, { endStream: true });
  };
  const got = await curl(`${gateway.url}/v2/users/1`, '-H', 'accept-encoding: br', '-H', 'if-none-match: W/"v1-br"');
  assert.equal(asked, 'W/"v1-br", W/"v1"');
  assert.equal(got.status, 304);
  assert.deepEqual(got.of('etag'), ['W/"v1-br"']);
  assert.deepEqual(got.of('vary'), ['accept-encoding']);
});

test('an upstream that compresses by itself is asked as the client asked, and left alone', async () => {
  const coded = zlib.gzipSync('a'.repeat(5000));
  let asked: string | undefined;
  play = (stream, headers) => {
    asked = headers['accept-encoding'] as string;
    stream.respond({ ...JSON_TYPE, 'content-encoding': 'gzip', vary: 'Accept-Encoding', etag: '"x"' });
    stream.end(coded);
  };
  const got = await curl(`${gateway.url}/v2/users/1`, '-H', 'accept-encoding: br, gzip');
  assert.equal(asked, 'br, gzip');
  assert.deepEqual(
    [got.of('content-encoding'), got.of('vary'), got.of('etag')],
    [['gzip'], ['Accept-Encoding'], ['"x"']],
  );
  assert.ok(got.body.equals(coded));
});

test('attack, BREACH: login, authorize, token, introspect and session routes are not compressed', async () => {
  play = (stream) => {
    stream.resume().on('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('<input name="gorilla.csrf.Token" value="secret">'.repeat(100));
    });
  };
  for (const [method, path] of [
    ['GET', '/ui/login/login?q=reflected'],
    ['GET', '/oauth/v2/authorize?client_id=reflected'],
    ['POST', '/oauth/v2/token'],
    ['POST', '/oauth/v2/introspect'],
    ['GET', '/oidc/v1/userinfo'],
    ['POST', '/v2/sessions'],
    ['POST', '/oauth/v2/device_authorization'],
  ] as const) {
    const got = await curl(
      gateway.url + path,
      '-X',
      method,
      '-H',
      'accept-encoding: br',
      '-d',
      method === 'POST' ? '{}' : '',
    );
    assert.equal(got.status, 200, path);
    assert.deepEqual(got.of('content-encoding'), [], path);
  }
  // Nor is anything of the API that a browser's cookie may have opened.
  const withCookie = ['-H', 'accept-encoding: br', '-H', 'cookie: a=b'];
  assert.deepEqual((await curl(`${gateway.url}/v2/users/1`, ...withCookie)).of('content-encoding'), []);
});

test('what the gateway says itself passes one compressor: one coding, one Vary', async () => {
  await using closed = await startGateway({
    zitadel: '127.0.0.1:1',
    config: { policies: { compress: { min_bytes: 0 } } },
  });
  for (const path of ['/ui/console/', '/.well-known/openid-configuration', '/v2/users/1', '/ui/login/login']) {
    for (const accepted of ['br', 'gzip', 'identity']) {
      const got = await curl(closed.url + path, '-H', `accept-encoding: ${accepted}`, '-H', 'accept: text/html');
      assert.ok(got.status >= 500);
      assert.ok(got.of('content-encoding').length <= 1);
      assert.ok(
        got
          .of('vary')
          .join()
          .split(/accept-encoding/i).length <= 2,
      );
      assert.ok(decoded(got).length > 0);
    }
  }
});

test('the hint about an unknown instance is found in what is compressed on its way, too', async () => {
  play = (stream) => {
    stream.respond({ ...JSON_TYPE, ':status': 404 });
    stream.end(JSON.stringify({ message: `unable to set instance using origin ${'x'.repeat(1500)}` }));
  };
  const got = await curl(`${gateway.url}/v2/users/1`, '-H', 'accept-encoding: br');
  assert.deepEqual(got.of('content-encoding'), ['br']);
  const hint = await gateway.announcement('hint', ({ topic }) => topic === 'unknown_instance');
  assert.equal(hint.topic, 'unknown_instance');
});
