// 103 (Early Hints, RFC 8297) from the cache: to browsers over HTTP/2 that wait for a page, and to nobody else.
// Harm: clients that take the first head for the last one; a browser that loads the files of the version before.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { earlyHints } from '../../src/policies/cache/early-hints.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { connectBytes } from '../support/h1-bytes.ts';
import { startUpstream } from './raw-upstream.ts';

const PAGE = '/ui/console/';
const OPENS_PAGE = { 'sec-fetch-mode': 'navigate' };

let standIn: StandIn;
let gateway: TestGateway;

before(async () => {
  standIn = await startStandIn();
  gateway = await startGateway({
    zitadel: new URL(standIn.url).host,
    config: { routes: [{ name: 'console', policies: { cache: { single_page_app: { early_hints: true } } } }] },
  });
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await standIn.close();
});

/** Asks for the page after it was thrown away; the Link fields of interim answers. */
async function asked(headers: http2.OutgoingHttpHeaders, path = PAGE): Promise<string[]> {
  gateway.primary.generation.services.cache.store.purge({ url: `https://localhost${PAGE}` });
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  try {
    const stream = session.request({ ':path': path, ':authority': 'localhost', ...headers });
    const links: string[] = [];
    stream.on('headers', (head) => {
      assert.equal(head[':status'], 103);
      links.push(String(head.link));
    });
    const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    assert.equal(Number(head[':status']), 200);
    stream.resume();
    await once(stream, 'close');
    return links;
  } finally {
    session.close();
  }
}

test('who waits for the page gets the scripts and styles of the last one; nothing is said before one is known', async () => {
  assert.deepEqual(await asked(OPENS_PAGE), []);
  const [links, ...more] = await asked(OPENS_PAGE);
  assert.deepEqual(more, []);
  assert.deepEqual(
    links?.split(', ').map((link) => link.replace(/\.[0-9a-f]{16}\./, '.*.')),
    [
      '</ui/console/styles.*.css>; rel=preload; as=style',
      ...['runtime', 'polyfills', 'main'].map((name) => `</ui/console/${name}.*.js>; rel=modulepreload; as=script`),
    ],
  );
  assert.equal((await asked(OPENS_PAGE, '/ui/console/users')).length, 1, 'every path of the page');
});

test('a script, a program, and an HTTP/1.1 client get the final answer only', async () => {
  await asked(OPENS_PAGE);
  assert.deepEqual(await asked({ 'sec-fetch-mode': 'cors' }), []);
  assert.deepEqual(await asked({}), []);
  gateway.primary.generation.services.cache.store.purge({ url: `https://localhost${PAGE}` });
  const client = await connectBytes(gateway.port('clear'));
  client.send(`GET ${PAGE} HTTP/1.1\r\nhost: localhost\r\nsec-fetch-mode: navigate\r\nconnection: close\r\n\r\n`);
  await client.over();
  assert.match(client.text, /^HTTP\/1\.1 200 /);
});

test('what is stored is answered without a 103', async () => {
  await asked(OPENS_PAGE);
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  const stream = session.request({ ':path': PAGE, ':authority': 'localhost', ...OPENS_PAGE });
  stream.on('headers', () => assert.fail('an interim answer'));
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  assert.match(String(head['cache-status']), /hit/);
  stream.resume();
  await once(stream, 'close');
  session.close();
});

test('a page that names very many files makes a head of at most ten links and 2 KiB', () => {
  const file = (name: string) => ({ target: `/app/${name}.js`, as: 'script', module: false }) as const;
  const many = earlyHints(Array.from({ length: 500 }, (_, i) => file(String(i))))!;
  assert.equal(many.split(', ').length, 10);
  const long = earlyHints(Array.from({ length: 10 }, (_, i) => file(`${'x'.repeat(500)}${i}`)))!;
  assert.ok(long.length <= 2048 && long.split(', ').length === 3, `${long.length}`);
  assert.equal(earlyHints([file('x'.repeat(3000))]), undefined);
  assert.equal(earlyHints([]), undefined);
});

test("all Link fields of an upstream's 103 reach the client", async () => {
  await using upstream = await startUpstream((request) => {
    request.head([
      [':status', '103'],
      ['link', '</a.js>'],
      ['link', '</b.js>'],
    ]);
    request.answer();
  });
  await using own = await startGateway({ zitadel: upstream.address, config: { hints: false } });
  await upstream.checked;
  const session = http2.connect(own.url, { ca: own.ca });
  const stream = session.request({ ':path': '/v2/users', ':authority': 'localhost' });
  const [interim] = (await once(stream, 'headers')) as [http2.IncomingHttpHeaders];
  assert.equal(interim.link, '</a.js>, </b.js>');
  stream.resume();
  await once(stream, 'close');
  session.close();
});
