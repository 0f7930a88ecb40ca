// Cache poisoning: an origin puts whatever it is told into answers that anyone may keep. The attacker asks first, the
// victim second. Harm: one request by a stranger, and everybody runs the stranger's script.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Cached, type Got, startCached } from '../support/cached.ts';
import { connectRaw } from '../support/h1-raw.ts';
import { mirror, UNLIMITED } from '../support/mirror.ts';

let stage: Cached;
let hosts = 0;

before(async () => {
  stage = await startCached({ config: UNLIMITED });
  stage.origin.play = (asked) => mirror(asked);
});
after(() => stage[Symbol.asyncDispose]());

/** A host that nobody has asked for yet: nothing is stored for it. */
function newHost(): string {
  hosts += 1;
  return `h${hosts}.example`;
}

const ROUTES: [name: string, target: string][] = [
  ['the Console', '/ui/console/'],
  ['a file of the Console', '/ui/console/main.0123456789abcdef.js'],
  ['files of Login v1', '/ui/login/resources/themes/zitadel/css/zitadel.css'],
  ['assets', '/assets/v1/1/policy/label/logo'],
  ['discovery', '/.well-known/openid-configuration'],
  ['JWKS', '/oauth/v2/keys'],
  ['a route with the defaults', '/c/x.js'],
];

const NAMES = `accept accept-charset accept-encoding accept-language access-control-request-headers
  access-control-request-method authorization baggage cache-control content-type cookie dnt forwarded from grpc-metadata-host
  grpc-timeout if-match if-modified-since if-none-match if-range max-forwards next-action origin pragma priority
  proxy-authorization purpose range referer rsc sec-fetch-dest tracestate traceparent true-client-ip user-agent via x-cluster-client-ip x-evil
  x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-prefix x-forwarded-proto x-forwarded-scheme
  x-forwarded-server x-host x-http-method x-http-method-override x-method-override x-middleware-subrequest x-nextjs-data
  x-original-host x-original-url x-real-ip x-request-id x-rewrite-url x-zitadel-instance-host x-zitadel-orgid
  x-zitadel-public-host x_forwarded_host`.split(/\s+/);

function holds(got: Got, word: string): boolean {
  return got.text.includes(word) || got.fields.some(([, value]) => value.includes(word));
}

for (const [name, target] of ROUTES) {
  test(`${name}: no field of the attacker is in what the victim gets`, async () => {
    for (const field of NAMES) {
      const authority = newHost();
      const protocol = hosts % 2 === 0 ? 'h2' : 'http/1.1';
      await stage.get(target, { protocol, authority, fields: { [field]: 'evil' } });
      const victim = await stage.get(target, { protocol, authority });
      const next = await stage.get(target, { protocol, authority });
      assert.equal(victim.status, 200, field);
      assert.ok(!holds(victim, 'evil') && !holds(next, 'evil'), `${field}: ${victim.text} ${victim.fields}`);
      assert.equal(next.text, victim.text);
      assert.match(next.cache!, /^gatehouse; hit;/, field);
    }
  });

  test(`${name}: nor are all of them together, or the query, whoever comes first`, async () => {
    const authority = newHost();
    const fields = Object.fromEntries(
      NAMES.filter((field) => !/^(?:auth|cookie|cache-c|if-m)/.test(field)).map((one) => [one, 'evil']),
    );
    await stage.get(`${target}?evil`, { authority, fields });
    await stage.get(target, { authority, fields });
    await stage.get(target, { authority, fields, method: 'HEAD' });
    await stage.get(target, { authority, fields, method: 'POST', body: 'evil' });
    await stage.get(target, { authority, fields, body: 'evil' });
    assert.ok(!holds(await stage.get(target, { authority }), 'evil'));
    assert.ok(!holds(await stage.get(target, { authority, method: 'HEAD' }), 'evil'));
  });
}

test('what goes upstream is part of the key, though the origin does not say so', async () => {
  const authority = newHost();
  const ask = (language: string | undefined) =>
    stage.get('/c/l', { authority, fields: language === undefined ? {} : { 'accept-language': language } });
  for (const language of ['evil', 'de', undefined]) await ask(language);
  for (const language of ['evil', 'de'])
    assert.match((await ask(language)).text, new RegExp(`accept-language: ${language}`));
  assert.doesNotMatch((await ask(undefined)).text, /accept-language/);
  assert.match((await ask('de')).cache!, /hit/);
});

test('CORS: an answer that one site may read is no answer for another, with Vary and without', async () => {
  for (const more of [{}, { vary: 'Origin' }] as Record<string, string>[]) {
    stage.origin.play = (asked) => mirror(asked, more);
    for (const [, target] of ROUTES) {
      const authority = newHost();
      const allowed = async (origin: string | undefined) =>
        (await stage.get(target, { authority, fields: origin === undefined ? {} : { origin } })).of(
          'access-control-allow-origin',
        );
      assert.notEqual(await allowed('https://evil.example'), '*');
      assert.equal(await allowed(undefined), undefined);
      assert.notEqual(await allowed('https://good.example'), 'https://evil.example');
      assert.equal(await allowed(undefined), undefined);
    }
  }
  stage.origin.play = (asked) => mirror(asked);
});

test('CORS: an origin that lets one site read with its 304 changes nothing for the others', async () => {
  const authority = newHost();
  await using all = await startCached({ cache: { request_fields: 'all' } });
  all.origin.play = (asked) =>
    asked.headers['if-none-match'] === undefined
      ? asked.answer(200, { 'cache-control': 'max-age=600', etag: '"v1"' }, 'body')
      : asked.answer(304, { etag: '"v1"', 'access-control-allow-origin': asked.headers.origin ?? '*' });
  const ask = (fields: Record<string, string>) => all.get('/c/cors', { authority, fields });
  await ask({});
  await ask({ origin: 'https://evil.example', 'cache-control': 'no-cache' });
  assert.notEqual((await ask({})).of('access-control-allow-origin'), 'https://evil.example');
});

test('a field that Connection takes away takes nothing from the answer for others', async () => {
  for (const named of [
    'authorization',
    'cookie',
    'host',
    'x-zitadel-instance-host',
    'cache-control',
    'accept-encoding',
  ]) {
    const host = newHost();
    using attacker = await connectRaw(stage.gateway.port('clear'));
    attacker.request(
      'GET /c/x HTTP/1.1',
      `host: ${host}`,
      `connection: ${named}`,
      `${named === 'host' ? 'x-a' : named}: evil`,
    );
    await attacker.answer();
    const victim = await stage.get('/c/x', { authority: host });
    assert.ok(!holds(victim, 'evil'));
    assert.match(victim.text, /^GET \/c\/x\n/);
    assert.ok(victim.text.includes(host));
  }
});

test("errors of the origin that an attacker provokes (CPDoS) are nobody else's", async () => {
  stage.origin.play = (asked) => {
    const provoked = Object.values(asked.headers).some(
      (value) => String(value).length > 3000 || String(value).includes('evil'),
    );
    const said = { 'cache-control': 'public, max-age=600, s-maxage=600' };
    asked.answer(provoked ? 400 : 200, said, provoked ? 'bad' : 'good');
  };
  for (const [, target] of ROUTES) {
    const authority = newHost();
    for (const field of ['accept', 'accept-language', 'origin', 'x-meta', 'user-agent']) {
      for (const value of ['evil', 'a'.repeat(4000), '\u0080\u00ff evil', `"${'a'.repeat(3500)}`]) {
        await stage.get(target, { authority, fields: { [field]: value } });
      }
      assert.equal((await stage.get(target, { authority })).text, 'good', `${target} ${field}`);
    }
  }
  stage.origin.play = (asked) => mirror(asked);
});
