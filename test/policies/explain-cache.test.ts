// What `explain` says of the cache and of compression.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { Store } from '../../src/cache/store.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { PolicyContext } from '../../src/core/policy.ts';
import type { RawRequest } from '../../src/core/raw.ts';
import { OpenExchange } from '../../src/gateway/exchange.ts';
import { cache } from '../../src/policies/cache.ts';
import { compress } from '../../src/policies/compress.ts';
import { answerOf } from '../cache/stored-answers.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, ROUTE } from './asked.ts';

/** A GET as `explain` makes it: without a stream. */
function asking(clock: Clock, path: string, headers: Record<string, string> = {}, method = 'GET'): OpenExchange {
  const raw = {
    requestedMethod: method,
    method,
    target: path,
    path: path.split('?', 1)[0],
    authority: 'id.example.com',
    connection: { id: 1, peerAddress: '203.0.113.7', listener: 'public', tlsVersion: undefined, serverName: undefined },
    headers,
    httpVersionMajor: 2,
    fields: Object.entries(headers).flat(),
  } as unknown as RawRequest;
  const client = { address: '203.0.113.7', trustedPeer: false, mayBeProxy: false, internal: false, scheme: 'https' };
  return new OpenExchange(raw, client as OpenExchange['client'], ROUTE, clock);
}

function setUp(given: z.input<typeof cache.options> = {}) {
  const clock = new HandClock();
  const store = new Store({ maxBytes: 1 << 20, maxEntryBytes: 1 << 16 }, clock);
  const parts = { store, maker: undefined, mirror: undefined, disk: undefined, warmHosts: [] };
  const context: PolicyContext = contextOf(clock, { cache: parts as never });
  const lines = (path: string, headers?: Record<string, string>, method?: string) =>
    cache.explain!(cache.options.parse(given), context)(asking(clock, path, headers, method));
  return { clock, store, lines };
}

test('cache: says whether the store may answer, by which key, and what would go upstream', () => {
  const { lines } = setUp({ default_ttl_s: 60, max_ttl_s: 300, stale_if_error_s: 3600, statuses: [200] });
  assert.deepEqual(lines('/a?b=c'), [
    'may be answered from the store: not stored',
    'key test https://id.example.com/a?b=c',
    'credentials bypass: requests with Authorization or Cookie pass it by',
    'fetched with accept, accept-language',
    'fresh as long as the origin says, at most 300 s, 60 s where it says nothing, only 200',
    'served stale for 3600 s while the origin fails, unless the origin says otherwise',
  ]);
});

test('cache: says why a request passes it by', () => {
  const { lines } = setUp();
  assert.equal(lines('/a', { cookie: 'x' })[0], 'passed by: cookie');
  assert.equal(lines('/a', { authorization: 'x' })[0], 'passed by: authorization');
  assert.equal(lines('/a', {}, 'POST')[0], 'passed by: method');
  assert.equal(lines('/a', { 'x-zitadel-instance-host': 'b' })[0], 'passed by: instance');
  assert.deepEqual(lines('/a', { 'content-type': 'application/grpc' }, 'POST'), ['passed by: grpc']);
});

test('cache: what is stored is said with what is left of it, and is not used by that', () => {
  const { clock, store, lines } = setUp();
  const key = { route: 'test', scheme: 'https', host: 'id.example.com', target: '/a' } as const;
  const receivedAt = clock.wall();
  const kept = store.put(key, answerOf('x', { receivedAt, requestedAt: receivedAt, freshForS: 10 }), store.begin(key))!;
  const { usedAt } = kept;
  assert.equal(lines('/a')[0], 'may be answered from the store: stored, fresh for 10 s: fresh');
  assert.match(lines('/a', { 'cache-control': 'no-cache' })[0]!, /fresh for 10 s: revalidate for request$/);
  clock.pass(25_000);
  assert.match(lines('/a')[0]!, /stale for 15 s: revalidate$/);
  assert.deepEqual([kept.hits, kept.usedAt, store.tally.total()], [0, usedAt, { hit: 0, stale: 0, miss: 0 }]);
});

test('cache: names what a file of a single-page app is', () => {
  const { lines } = setUp({ query: 'drop', single_page_app: { index: '/ui/', hashed: '[.][0-9a-f]{8}[.]js$' } });
  const key = (path: string) => lines(path)[1];
  const without = ', without the query; ';
  assert.equal(key('/ui/users?x=1'), `key test https://id.example.com/ui/${without}the page`);
  assert.match(key('/ui/a.0123abcd.js')!, /without the query; a file that never changes, fresh for 31536000 s$/);
  assert.match(key('/ui/en.json')!, /; a file of this release, fresh for 3600 s at most$/);
});

const coded = (
  headers: Record<string, string>,
  given: z.input<typeof compress.options> = {},
  method = 'GET',
): string => {
  const clock = new HandClock();
  const [line] = compress.explain!(
    compress.options.parse(given),
    contextOf(clock),
  )(asking(clock, '/a', headers, method));
  return line!;
};

test('compress: says in which coding, and of what', () => {
  assert.match(
    coded({ 'accept-encoding': 'gzip, br' }),
    /^br, where the answer is one of \d+ types and of 1024 bytes or more; no page or document that sets a cookie$/,
  );
  assert.equal(
    coded({ 'accept-encoding': 'gzip' }, { content_types: ['text/html'], with_cookies: true, min_bytes: 5 }),
    'gzip, where the answer is text/html and of 5 bytes or more',
  );
});

test('compress: says why not', () => {
  assert.equal(coded({}), 'never: the client accepts none of br, zstd, gzip');
  assert.equal(coded({ 'accept-encoding': 'br;q=0, gzip;q=0' }), 'never: the client accepts none of br, zstd, gzip');
  assert.equal(
    coded({ 'accept-encoding': 'br', 'cache-control': 'no-transform' }),
    'never: the client says no-transform',
  );
  assert.equal(coded({ 'content-type': 'application/grpc' }, {}, 'POST'), 'never: grpc has codings of its own');
  assert.match(coded({ 'accept-encoding': 'br', cookie: 'a=b' }), /; no page or document: the request has a Cookie$/);
});
