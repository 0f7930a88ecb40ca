// The stand-in through the preset: what of ZITADEL may be kept, for whom, and what never.
// Harm: the issuer, the branding or the page of one instance at another one, or a form with somebody else's token.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { consoleFiles } from '../../src/demo/console/files.ts';
import { type Got, get, type Wish } from '../support/cached.ts';
import { type Stage, startStage } from './stage.ts';

let stage: Stage;

before(async () => {
  stage = await startStage();
});
after(() => stage[Symbol.asyncDispose]());

const FILES = [...consoleFiles().keys()];
const MAIN = `/ui/console/${FILES.find((name) => name.startsWith('main.'))!}`;
const LOGO = '/assets/v1/163840776801878273/policy/label/logo';
const RESOURCE = '/ui/login/resources/themes/zitadel/css/zitadel.css';

const ask = (authority: string, target: string, fields: Record<string, string> = {}, more: Wish = {}): Promise<Got> =>
  get(stage.gateway, target, { authority, fields, ...more });
const store = () => stage.gateway.primary.generation.services.cache.store;
const hit = (got: Got): boolean => got.cache?.startsWith('gatehouse; hit') === true;

function says(got: Got, word: string): boolean {
  return got.text.includes(word) || got.fields.some(([, value]) => value.includes(word));
}

test('instances never share an entry: each host has its own, in words and fields', async () => {
  const hosts = ['one.example', 'two.example', 'one.example:8443', 'ONE.example'];
  for (const target of ['/ui/console/', MAIN, RESOURCE, '/.well-known/openid-configuration', '/oauth/v2/keys']) {
    for (const [i, host] of hosts.entries()) {
      const first = await ask(host, target);
      assert.equal(first.status, 200, target);
      assert.match(first.cache!, /fwd=uri-miss; stored/, `${host} ${target}`);
      const second = await ask(host, target);
      assert.ok(hit(second), `${host} ${target}: ${second.cache}`);
      for (const other of hosts.slice(0, i)) {
        if (!host.includes(other)) assert.ok(!says(second, other), `${other} at ${host}${target}`);
      }
    }
  }
  for (const host of hosts) {
    const issuer = JSON.parse((await ask(host, '/.well-known/openid-configuration')).text).issuer as string;
    assert.equal(new URL(issuer).host, new URL(`https://${host}`).host);
    assert.ok(
      (await ask(host, '/ui/console/')).of('content-security-policy')!.toLowerCase().includes(host.toLowerCase()),
    );
  }
});

test('instances share the bytes of what is the same, and none of the fields', async () => {
  const target = `/ui/console/${FILES.find((name) => name.endsWith('.css'))!}`;
  const before = store().figures();
  await ask('b1.example', target);
  await ask('b2.example', target);
  const now = store().figures();
  assert.deepEqual([now.entries - before.entries, now.bodies - before.bodies], [2, 1]);
  await stage.gateway.primary.generation.services.cache.maker.idle();
  for (const [host, other] of [
    ['b1.example', 'b2.example'],
    ['b2.example', 'b1.example'],
  ] as const) {
    const got = await ask(host, target, { 'accept-encoding': 'br' });
    assert.deepEqual([hit(got), got.of('content-encoding')], [true, 'br']);
    assert.ok(!says(got, other));
  }
  store().purge({ host: 'b1.example' });
  assert.ok(hit(await ask('b2.example', target)));
  assert.ok(!hit(await ask('b1.example', target)));
});

test('environment.json is asked of ZITADEL each time, in all its spellings, and is stored nowhere', async () => {
  for (const target of [
    '/ui/console/assets/environment.json',
    '/ui/console/assets/environment.json?x=1',
    '/ui/console/assets/%65nvironment.json',
    '/ui/console/%61ssets/environment%2ejson',
  ]) {
    for (const host of ['e1.example', 'e2.example', 'e1.example']) {
      const got = await ask(host, target, { 'cache-control': 'max-stale', 'x-forwarded-host': 'evil.example' });
      assert.equal(got.cache, undefined);
      assert.equal(JSON.parse(got.text).api, `https://${host}`);
    }
  }
  for (const { key } of store().resources()) assert.doesNotMatch(decodeURIComponent(key.target), /environment/);
});

test("the login's pages with tokens are another one each time, and stored nowhere", async () => {
  for (const target of [
    '/ui/login/loginname',
    '/ui/login/register',
    '/ui/login/login',
    '/ui/login/x.css',
    '/ui/v2/login/loginname',
    '/',
  ]) {
    for (let i = 0; i < 3; i += 1) {
      const got = await ask('l.example', target);
      assert.ok(!hit(got), target);
      assert.equal(got.of('age'), undefined);
    }
  }
  const page = await ask('l.example', '/ui/login/loginname');
  assert.match(page.of('set-cookie') ?? '', /csrf/);
  const again = await ask('l.example', '/ui/login/loginname');
  assert.notEqual(page.of('set-cookie'), again.of('set-cookie'));
  assert.notEqual(page.text, again.text);
  for (const { key } of store().resources())
    assert.doesNotMatch(key.target, /^\/ui\/(?:v2\/)?login\/(?!resources\/|_next\/static\/)/);
});

test('assets: with credentials they pass the cache by, both ways; without they are not those of a user', async () => {
  const token = { authorization: 'Bearer stand-in' };
  const mine = '/assets/v1/users/me/avatar';
  const refused = await ask('a.example', mine);
  assert.equal(refused.status, 401);
  for (const fields of [token, { cookie: 'x=y' }] as Record<string, string>[]) {
    for (const target of [LOGO, mine]) {
      for (let i = 0; i < 2; i += 1) {
        const got = await ask('a.example', target, fields);
        assert.equal(got.cache, `gatehouse; fwd=bypass; detail=${Object.keys(fields)[0]}`);
      }
    }
  }
  assert.equal((await ask('a.example', mine, token)).status, 200);
  assert.equal((await ask('a.example', mine)).status, 401, 'nor was the 401 stored, nor the avatar');
  for (const { key } of store().resources()) assert.notEqual(key.target, mine);
  const logo = await ask('a.example', LOGO);
  assert.deepEqual([logo.status, logo.of('set-cookie')], [200, undefined]);
});

test('an API answer, a token, userinfo and metadata are never answered from the store', async () => {
  for (const target of [
    '/oidc/v1/userinfo',
    '/auth/v1/users/me',
    '/v2/users/1',
    '/saml/v2/metadata',
    '/oauth/v2/authorize',
    '/debug/healthz',
  ]) {
    for (let i = 0; i < 2; i += 1) {
      const got = await ask('api.example', target);
      assert.deepEqual([got.cache, got.of('age')], [undefined, undefined], target);
    }
  }
});

test('a Console file that is gone is a 404 for who asks, and for nobody after it comes back', async () => {
  const gone = await ask('g.example', '/ui/console/main.ffffffffffffffff.js');
  assert.equal(gone.status, 404);
  for (const { key, answers } of store().resources()) {
    assert.ok(
      answers.every(({ status }) => status === 200 || status === 301),
      key.target,
    );
  }
});
