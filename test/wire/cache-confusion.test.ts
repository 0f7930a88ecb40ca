// Path and host confusion, and cache deception: an origin that reads targets in its own way and lets everybody keep what
// it answers. Harm: what is stored under one URL is the answer to another, or the private page of somebody.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Cached, type Got, get, startCached } from '../support/cached.ts';
import { connectRaw } from '../support/h1-raw.ts';
import { mirror, UNLIMITED } from '../support/mirror.ts';

let stage: Cached;
let hosts = 0;

before(async () => {
  stage = await startCached({
    config: {
      ...UNLIMITED,
      listeners: [
        { name: 'clear', address: '127.0.0.1:0', external_scheme: 'https' },
        { name: 'inside', address: '127.0.0.1:0', external_scheme: 'https', trust: 'internal', allow: ['127.0.0.0/8'] },
      ],
    },
  });
  stage.origin.play = (asked) => mirror(asked);
});
after(() => stage[Symbol.asyncDispose]());

function newHost(): string {
  hosts += 1;
  return `h${hosts}.example`;
}

function holds(got: Got, word: string): boolean {
  return got.text.includes(word) || got.fields.some(([, value]) => value.includes(word));
}

/** Asks over HTTP/1.1 with a request line of one's own; nothing where it was refused without an answer. */
async function raw(
  target: string,
  host: string,
  ...lines: string[]
): Promise<{ status: number; text: string } | undefined> {
  using client = await connectRaw(stage.gateway.port('clear'));
  client.request(`GET ${target} HTTP/1.1`, `host: ${host}`, ...lines);
  const answer = await client.answer();
  return answer && { status: answer.status, text: answer.body.toString() };
}

/** Other ways to say a path, or to seem to. */
function twisted(path: string): string[] {
  const cut = path.lastIndexOf('/');
  const [folder, name] = [path.slice(0, cut), path.slice(cut + 1)];
  return [
    `/${path}`,
    `${folder}//${name}`,
    `${folder}/./${name}`,
    `${folder}/evil/../${name}`,
    `${folder}/%2e/${name}`,
    `${folder}/evil/%2e%2e/${name}`,
    `${folder}/evil%2f..%2f${name}`,
    `${folder}/..;/console/${name}`,
    `${folder}%2f${name}`,
    `${folder}%2F${name}`,
    `${folder}\\${name}`,
    `${folder}%5c${name}`,
    `${path}/`,
    `${path}/evil.css`,
    `${path}%2fevil.css`,
    `${path}%2f..%2fevil`,
    `${path};evil`,
    `${path};evil.css`,
    `${path}%3bevil.css`,
    `${path}%3fevil`,
    `${path}%23evil.css`,
    `${path}%00.css`,
    `${path}%0d%0aevil:1`,
    `${path}%20`,
    `${path}%09`,
    `${path}.`,
    `${path}%2e`,
    `${path}%252f..%252fevil`,
    `${path}?evil`,
    `${path}?evil.css`,
    `${path}??evil`,
    `${path}#evil`,
    `${path}?#evil`,
    `${path}%ff`,
    `${path}%`,
    path.toUpperCase(),
    path.replace(/[a-z](?=[^/]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    `http://evil.example${path}`,
    `https://evil.example${path}`,
    `//evil.example${path}`,
    `evil.example${path}`,
    '*',
  ];
}

for (const path of [
  '/ui/console/app.js',
  '/ui/console/main.0123456789abcdef.js',
  '/ui/login/resources/themes/zitadel/css/zitadel.css',
  '/assets/v1/1/policy/label/logo',
  '/.well-known/openid-configuration',
  '/oauth/v2/keys',
  '/c/x.js',
]) {
  test(`path confusion: ${path} is the origin's answer to ${path}, whatever was asked before`, async () => {
    for (const target of twisted(path)) {
      const authority = newHost();
      await raw(target, authority);
      if (target.startsWith('/')) await stage.get(target, { authority });
      const victim = await stage.get(path, { authority });
      assert.deepEqual([victim.status, victim.text.split('\n', 1)[0]], [200, `GET ${path}`], target);
      assert.ok(!holds(victim, 'evil'), target);
    }
  });
}

test('path confusion: every page of the Console is the page at its root, as the origin gives it there', async () => {
  for (const target of [
    '/ui/console/users/me',
    '/ui/console/%75sers',
    '/ui/console/a%20b',
    '/ui/console/;x',
    '/ui/console/x?evil',
  ]) {
    const authority = newHost();
    const attacker = await stage.get(target, { authority });
    const victim = await stage.get('/ui/console/', { authority });
    for (const got of [attacker, victim]) assert.equal(got.text.split('\n', 1)[0], 'GET /ui/console/', target);
  }
});

const SECRET = { cookie: 'session=secret', authorization: 'Bearer secret' };

test('cache deception: what a victim is lured to with credentials is not there for who comes without', async () => {
  for (const target of [
    '/oidc/v1/userinfo',
    '/oidc/v1/userinfo/x.css',
    '/oidc/v1/userinfo%2fx.css',
    '/oidc/v1/userinfo;x.css',
    '/oidc/v1/userinfo?x.css',
    '/oauth/v2/keys/../userinfo',
    '/oauth/v2/keys%2f..%2fuserinfo',
    '/ui/login/login',
    '/ui/login/main.js',
    '/ui/login/main.0123456789abcdef.js',
    '/ui/login/login/resources/x.css',
    '/ui/login/resources/%2e%2e/login',
    '/ui/login/resources/..%2flogin',
    '/ui/login/resources/x.css',
    '/ui/login/resources/dynamic?orgId=1&filename=policy/label/logo',
    '/ui/console/assets/environment.json',
    '/ui/console/assets/environment.json/x.css',
    '/ui/console/assets/environment.json;x.css',
    '/ui/console/assets%2fenvironment.json',
    '/ui/console/assets/%65nvironment.json',
    '/assets/v1/users/me/avatar',
    '/assets/v1/users/me/avatar.css',
    '/auth/v1/users/me/x.js',
    '/v2/users/1.css',
    '/c/account.css',
  ]) {
    for (const [name, value] of Object.entries(SECRET)) {
      for (const method of ['GET', 'HEAD']) {
        const authority = newHost();
        await stage.get(target, { authority, method, fields: { [name]: value } });
        await raw(target, authority, `${name}: ${value}`, 'range: bytes=0-');
        await stage.get(target, { authority, fields: { [name]: value, 'cache-control': 'no-store' } });
        assert.ok(!holds(await stage.get(target, { authority }), 'secret'), `${target} ${name}`);
      }
    }
  }
});

test('environment.json and the pages of the login are asked of the origin each time, though it lets them be stored', async () => {
  for (const target of [
    '/ui/console/assets/environment.json',
    '/ui/console/assets/%65nvironment.json',
    '/ui/login/login',
    '/ui/login/register?x=1',
    '/ui/login/main.0123456789abcdef.js',
    '/',
  ]) {
    const before = stage.origin.asked.length;
    for (let i = 0; i < 3; i += 1)
      assert.equal((await stage.get(target, { authority: 'every.example' })).cache, undefined);
    assert.equal(stage.origin.asked.length, before + 3, target);
  }
});

test("host confusion: whatever the host is said like, its answer is the origin's answer to just that", async () => {
  for (const target of ['/ui/console/app.js', '/.well-known/openid-configuration', '/c/x.js']) {
    for (const host of [
      'a.example',
      'A.example',
      'a.example:443',
      'a.example:80',
      'a.example.',
      'a.example:',
      'b.example',
    ]) {
      for (const protocol of ['h2', 'http/1.1'] as const) {
        const got = await stage.get(target, { protocol, authority: host });
        if (got.status !== 400) assert.match(got.text, new RegExp(`(?:host|:authority): ${host}$`, 'm'), host);
      }
    }
  }
});

test('host confusion: two hosts, or a target with another host than the Host, never reach a stored answer', async () => {
  for (const target of ['/ui/console/app.js', '/c/x.js']) {
    const host = newHost();
    const asked = stage.origin.asked.length;
    for (const got of [
      await raw(target, host, 'host: evil.example'),
      await raw(target, 'evil.example', `host: ${host}`),
      await raw(`http://evil.example${target}`, host),
      await raw(`http://${host}@evil.example${target}`, host),
      await raw(target, `${host}, evil.example`),
      await raw(target, `evil.example/${host}`),
      await raw(target, `${host} evil.example`),
    ]) {
      assert.ok(got === undefined || got.status >= 400, JSON.stringify(got));
    }
    assert.equal(stage.origin.asked.length, asked);
    assert.equal((await raw(`https://${host}${target}`, host))?.status, 200);
    assert.ok(!holds(await stage.get(target, { authority: host }), 'evil'));
  }
});

test('instances: what an inner peer asks of another one by a header is not stored, and not answered from the store', async () => {
  const { gateway } = stage;
  const inside = { port: (name: string) => gateway.port(name === 'clear' ? 'inside' : name) };
  for (const target of [
    '/ui/console/app.js',
    '/.well-known/openid-configuration',
    '/assets/v1/1/policy/label/logo',
    '/c/x.js',
  ]) {
    for (const field of [
      'x-zitadel-instance-host',
      'x-zitadel-public-host',
      'x-zitadel-forward-host',
      'x-forwarded-host',
    ]) {
      const authority = newHost();
      const ask = (fields: Record<string, string>) =>
        get(inside as typeof gateway, target, { protocol: 'http/1.1', authority, fields });
      const other = await ask({ [field]: 'other.example' });
      assert.match(other.cache!, /fwd=bypass; detail=instance/);
      assert.ok(holds(other, 'other.example'));
      const own = await ask({});
      assert.ok(!holds(own, 'other.example'), field);
      assert.match((await ask({})).cache!, /hit/);
      assert.ok(holds(await ask({ [field]: 'other.example' }), 'other.example'), 'nor from the store');
    }
  }
});

test('method confusion: an override changes no GET, and a GET that is not one changes nothing stored', async () => {
  for (const target of ['/ui/console/app.js', '/assets/v1/1/policy/label/logo', '/c/x.js']) {
    for (const field of ['x-http-method-override', 'x-http-method', 'x-method-override', '_method']) {
      const authority = newHost();
      await stage.get(target, { authority, fields: { [field]: 'DELETE' } });
      await stage.get(target, { authority, fields: { [field]: 'DELETE' }, body: 'evil' });
      const victim = await stage.get(target, { authority });
      assert.ok(!holds(victim, 'DELETE') && !holds(victim, 'evil'), field);
    }
  }
});

test("smuggling: a GET with a body, or with two lengths, is nobody else's answer", async () => {
  for (const lines of [
    ['content-length: 4'],
    ['transfer-encoding: chunked'],
    ['content-length: 4', 'transfer-encoding: chunked'],
    ['transfer-encoding: chunked', 'transfer-encoding: identity'],
    ['content-length: 0', 'content-length: 4'],
    ['transfer-encoding : chunked'],
    ['content-length: +4'],
  ]) {
    const authority = newHost();
    using client = await connectRaw(stage.gateway.port('clear'));
    const body = lines[0]!.startsWith('c') ? 'evil' : '4\r\nevil\r\n0\r\n\r\n';
    client.send(`GET /c/s HTTP/1.1\r\nhost: ${authority}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
    client.send(`GET /c/evil HTTP/1.1\r\nhost: ${authority}\r\nconnection: close\r\n\r\n`);
    await client.gone();
    const victim = await stage.get('/c/s', { authority });
    assert.equal(victim.text.split('\n', 1)[0], 'GET /c/s');
    assert.ok(!holds(victim, 'evil'), lines.join());
    assert.doesNotMatch(victim.text, /content-length|transfer-encoding/);
  }
});
