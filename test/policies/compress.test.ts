// Which answers are compressed, and what their heads say then.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { Answer } from '../../src/core/exchange.ts';
import { getField } from '../../src/core/headers.ts';
import type { DownstreamStream, Fields } from '../../src/core/raw.ts';
import { codingOf } from '../../src/encoding/index.ts';
import { compress } from '../../src/policies/compress.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, enter, exchangeOf } from './asked.ts';

const clock = new HandClock();
const JSON_TYPE: Fields = ['content-type', 'application/json'];

interface Case {
  readonly options?: object;
  /** Of the request. */
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly fields?: Fields;
  readonly answer?: Partial<Answer>;
}

const open: Disposable[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one[Symbol.dispose]();
});

/** Runs the hooks; a field is removed from the request by an empty value. */
function run({ options = {}, headers = {}, method = 'GET', fields = JSON_TYPE, answer = {} }: Case) {
  const hooks = compress.hooks(compress.options.parse(options), contextOf(clock));
  const asked = Object.entries({ 'accept-encoding': 'gzip, br', ...headers }).filter(([, value]) => value !== '');
  const exchange = exchangeOf(clock, Object.fromEntries(asked));
  Object.assign(exchange.head, { method });
  const written: Uint8Array[] = [];
  const downstream = { write: (chunk: Uint8Array) => written.push(chunk) > 0, end() {}, reset() {} };
  Object.assign(exchange, { downstream: downstream as unknown as DownstreamStream });
  assert.equal(enter(hooks, exchange), undefined);
  const out: Answer = {
    status: 200,
    fields: [...fields],
    ended: method === 'HEAD',
    source: 'upstream',
    sink: undefined,
    ...answer,
  };
  hooks.onAnswer?.(exchange, out);
  open.push({
    [Symbol.dispose]() {
      out.filter?.close();
      exchange.close();
    },
  });
  return { exchange, answer: out, written, field: (name: string) => getField(out.fields, name) };
}

/** Nothing about the answer was changed. */
function untouched(one: Case): void {
  const { answer } = run(one);
  assert.deepEqual(answer.fields, one.fields ?? JSON_TYPE);
  assert.equal(answer.sink, undefined);
  assert.equal(answer.filter, undefined);
}

test('an answer that shrinks is coded: encoding and Vary are said, length and ranges are not', () => {
  const { answer, field, written, exchange } = run({
    fields: [...JSON_TYPE, 'content-length', '5000', 'accept-ranges', 'bytes'],
  });
  assert.deepEqual(answer.fields, [...JSON_TYPE, 'vary', 'accept-encoding', 'content-encoding', 'br']);
  assert.equal(answer.sink, answer.filter);
  answer.sink!.write(Buffer.alloc(5000, 'a'));
  answer.sink!.end();
  assert.equal(codingOf('br').decode(Buffer.concat(written), 5001).length, 5000);
  assert.equal(exchange.record.bytesOut, written[0]!.length);
  assert.equal(field('content-length'), undefined);
});

test('the client decides: without Accept-Encoding, or with identity, it goes out as it is and says Vary', () => {
  for (const accept of ['', 'identity', 'deflate', 'br;q=0, gzip;q=0', 'x'.repeat(65_536)]) {
    const { answer, field } = run({ headers: { 'accept-encoding': accept } });
    assert.equal(field('content-encoding'), undefined);
    assert.equal(field('vary'), 'accept-encoding');
    assert.equal(answer.sink, undefined);
  }
});

test('the codings of the route, in its order', () => {
  assert.equal(run({ options: { codings: ['gzip', 'br'] } }).field('content-encoding'), 'gzip');
  assert.equal(run({ options: { codings: ['zstd'] } }).field('content-encoding'), undefined);
});

test('Vary: once, whatever its spelling and however many lines it has; `*` says it already', () => {
  for (const [before, after] of [
    [['vary', 'Origin'], 'Origin, accept-encoding'],
    [['vary', 'Accept-Encoding'], 'Accept-Encoding'],
    [['vary', 'origin', 'vary', 'x-a, ACCEPT-ENCODING'], undefined],
    [['vary', 'origin', 'vary', 'x-a'], 'origin, x-a, accept-encoding'],
    [['vary', '*'], '*'],
    [['vary', ''], 'accept-encoding'],
    [['vary', 'x-accept-encoding'], 'x-accept-encoding, accept-encoding'],
  ] as const) {
    const { answer } = run({ fields: [...JSON_TYPE, ...before] });
    const values = answer.fields.filter((_, i) => answer.fields[i - 1] === 'vary');
    if (after !== undefined) assert.deepEqual(values, [after]);
    assert.equal(values.join().match(/(?<![\w-])accept-encoding/gi)?.length ?? 0, before[1] === '*' ? 0 : 1);
  }
});

test('a strong ETag becomes a weak one of the coding, since the bytes may differ from time to time; a weak one stays', () => {
  assert.equal(run({ fields: [...JSON_TYPE, 'etag', '"a"'] }).field('etag'), 'W/"a-br"');
  assert.equal(run({ fields: [...JSON_TYPE, 'etag', 'W/"a"'] }).field('etag'), 'W/"a"');
  const identity = run({ headers: { 'accept-encoding': '' }, fields: [...JSON_TYPE, 'etag', '"a"'] });
  assert.equal(identity.field('etag'), '"a"');
});

test('HEAD has the head of GET, and no encoder', () => {
  const fields = [...JSON_TYPE, 'content-length', '5000', 'etag', '"a"'];
  const head = run({ method: 'HEAD', fields });
  assert.deepEqual(head.answer.fields, run({ fields }).answer.fields);
  assert.equal(head.answer.sink, undefined);
});

test('`content-encoding: identity`, which origins should not send, counts as none', () => {
  assert.equal(run({ fields: [...JSON_TYPE, 'content-encoding', 'identity'] }).field('content-encoding'), 'br');
});

for (const [what, one] of Object.entries<Case>({
  'what is coded already': { fields: [...JSON_TYPE, 'content-encoding', 'gzip'] },
  'what is coded in a way that nobody knows': { fields: [...JSON_TYPE, 'content-encoding', 'x-new'] },
  'an answer that the gateway made: it has passed the other compressor': { answer: { source: 'gateway' } },
  'Cache-Control: no-transform': { fields: [...JSON_TYPE, 'cache-control', 'public, no-transform, max-age=1'] },
  'No-Transform in the second line': { fields: [...JSON_TYPE, 'cache-control', 'a', 'cache-control', 'No-Transform'] },
  'a part': { answer: { status: 206 }, fields: [...JSON_TYPE, 'content-range', 'bytes 0-1/5'] },
  'a part by its Content-Range alone': { fields: [...JSON_TYPE, 'content-range', 'bytes 0-1/5'] },
  'no content': { answer: { status: 204, ended: true } },
  'reset content': { answer: { status: 205 } },
  'a body that ended with its head': { answer: { ended: true } },
  'a redirect without a body': { answer: { status: 302, ended: true } },
  'a body known to be small': { fields: [...JSON_TYPE, 'content-length', '1023'] },
  'a length that is none': { fields: [...JSON_TYPE, 'content-length', 'many'] },
  'no Content-Type': { fields: ['x-a', 'b'] },
  'an absurdly long Content-Type': { fields: ['content-type', `text/plain;${'a'.repeat(10_000)}`] },
  'server-sent events': { fields: ['content-type', 'text/event-stream; charset=utf-8'] },
  gRPC: { fields: ['content-type', 'application/grpc'] },
  'gRPC with JSON': { fields: ['content-type', 'application/grpc+json'] },
  'gRPC-Web as text': { fields: ['content-type', 'application/grpc-web-text'] },
  'a Connect stream with JSON': { fields: ['content-type', 'application/connect+json'] },
  'parts that replace each other': { fields: ['content-type', 'multipart/x-mixed-replace; boundary=a'] },
  pictures: { fields: ['content-type', 'image/png'] },
  woff2: { fields: ['content-type', 'font/woff2'] },
  'what may be anything': { fields: ['content-type', 'application/octet-stream'] },
  'a body with a Content-Digest': { fields: [...JSON_TYPE, 'content-digest', 'sha-256=:aa:'] },
  'a body with a Repr-Digest, which covers the coding too': { fields: [...JSON_TYPE, 'repr-digest', 'sha-256=:aa:'] },
  'a body with a Digest': { fields: [...JSON_TYPE, 'digest', 'sha-256=aa'] },
  'a body with a Content-MD5': { fields: [...JSON_TYPE, 'content-md5', 'aa'] },
})) {
  test(`never: ${what}`, () => untouched(one));
}

test('never: answers to RPCs, whatever their type', () => {
  untouched({ headers: { 'content-type': 'application/grpc' } });
  untouched({ headers: { 'content-type': 'application/connect+json' } });
  untouched({ headers: { 'content-type': 'application/grpc-web+proto' } });
});

test('a client that asks for no-transform gets the answer as it is, with Vary', () => {
  const { field } = run({ headers: { 'cache-control': 'no-transform' } });
  assert.equal(field('content-encoding'), undefined);
  assert.equal(field('vary'), 'accept-encoding');
});

test('the types of the defaults, with parameters and in any case', () => {
  for (const type of [
    'text/html; charset=utf-8',
    'TEXT/CSS',
    'application/json;charset=UTF-8',
    'application/scim+json',
    'application/samlmetadata+xml',
    'text/javascript',
    'application/javascript',
    'application/wasm',
    'image/svg+xml',
    'font/ttf',
    'application/manifest+json',
    'text/plain',
  ]) {
    assert.equal(run({ fields: ['content-type', type] }).field('content-encoding'), 'br', type);
  }
});

test('errors of the upstream are compressed like everything else', () => {
  assert.equal(run({ answer: { status: 404 } }).field('content-encoding'), 'br');
});

test('attack, BREACH: pages and documents that answer a cookie, or set one, are not compressed', () => {
  for (const type of ['application/json', 'text/html', 'text/plain', 'application/xml']) {
    const fields = ['content-type', type];
    untouched({ headers: { cookie: 'a=b' }, fields });
    untouched({ fields: [...fields, 'set-cookie', 'a=b'] });
    const asked = { headers: { cookie: 'a=b' }, fields, options: { with_cookies: true } };
    assert.equal(run(asked).field('content-encoding'), 'br');
  }
});

test('programs, styles and fonts hold no secret: they are compressed for a browser with cookies too', () => {
  for (const type of [
    'text/javascript',
    'application/javascript',
    'text/css',
    'application/wasm',
    'font/ttf',
    'image/svg+xml',
  ]) {
    assert.equal(run({ headers: { cookie: 'a=b' }, fields: ['content-type', type] }).field('content-encoding'), 'br');
  }
});

test("what a shared cache gave is everybody's, so a cookie does not matter", () => {
  assert.equal(run({ headers: { cookie: 'a=b' }, answer: { source: 'cache' } }).field('content-encoding'), 'br');
});

test('when many are being compressed the next goes out as it is, says Vary, and later ones are compressed again', () => {
  const first = Array.from({ length: 128 }, () => run({}));
  for (const { field } of first) assert.equal(field('content-encoding'), 'br');
  const late = run({ fields: [...JSON_TYPE, 'etag', '"a"'] });
  assert.equal(late.field('content-encoding'), undefined);
  assert.equal(late.field('vary'), 'accept-encoding');
  assert.equal(late.field('etag'), '"a"');
  // Small bodies need no place.
  assert.equal(run({ fields: [...JSON_TYPE, 'content-length', '2000'] }).field('content-encoding'), 'br');
  // The reader left; the exchange is over; the body was complete: each gives its place back, once.
  first[0]!.answer.filter!.close();
  first[0]!.exchange.close();
  first[1]!.exchange.close();
  first[2]!.answer.sink!.end();
  for (let i = 0; i < 3; i += 1) assert.equal(run({}).field('content-encoding'), 'br');
  assert.equal(run({}).field('content-encoding'), undefined);
});

test('a condition with a tag of ours reaches the origin with the tag that it knows, too', () => {
  for (const name of ['if-none-match', 'if-match']) {
    const [edit] = run({ headers: { [name]: 'W/"a-br"' } }).exchange.requestEdits;
    assert.equal(edit?.name, name);
    assert.match(edit?.value ?? '', /"a-br"/);
    assert.match(edit?.value ?? '', /"a"/);
  }
  assert.deepEqual(run({ headers: { 'if-none-match': '"a"' } }).exchange.requestEdits, []);
  assert.deepEqual(run({ headers: { 'if-none-match': '*' } }).exchange.requestEdits, []);
  assert.deepEqual(run({ headers: { 'if-range': '"a-br"' } }).exchange.requestEdits, []);
});

test("a 304 for the origin's tag comes back with the tag that the client named, and Vary", () => {
  const one = { answer: { status: 304, ended: true }, fields: ['etag', '"a"'] };
  const { answer } = run({ ...one, headers: { 'if-none-match': '"x", W/"a-br"' } });
  assert.deepEqual(answer.fields, ['etag', 'W/"a-br"', 'vary', 'accept-encoding']);
  untouched({ ...one, headers: { 'if-none-match': '"a"' } });
  untouched({ ...one, headers: { 'if-none-match': '"b-br"' } });
  untouched({ ...one, headers: { 'if-none-match': '*' } });
  untouched({ ...one, headers: {} });
  untouched({ ...one, fields: ['x-a', 'b'], headers: { 'if-none-match': '"a-br"' } });
  // An origin with tags of its own that end like ours.
  untouched({ ...one, fields: ['etag', '"a-br"'], headers: { 'if-none-match': '"a-br"' } });
});

test('options: a bad media type, a coding that is none or twice, a negative size are refused with what was expected', () => {
  const said = (options: object): string => JSON.stringify(compress.options.safeParse(options).error?.issues);
  assert.match(said({ content_types: ['text/html; charset=utf-8'] }), /content_types.*without parameters/);
  assert.match(said({ content_types: ['json'] }), /without parameters/);
  assert.match(said({ content_types: ['*/*'] }), /without parameters/);
  assert.match(said({ content_types: ['text/event-stream'] }), /never compressed/);
  assert.match(said({ content_types: ['application/grpc+json'] }), /never compressed/);
  assert.match(said({ codings: ['br', 'br'] }), /each coding once/);
  assert.match(said({ codings: ['deflate'] }), /br/);
  assert.match(said({ codings: [] }), /codings/);
  assert.match(said({ min_bytes: -1 }), /min_bytes/);
  assert.equal(compress.options.safeParse({ content_types: ['Text/HTML', 'application/*+json'] }).success, true);
});
