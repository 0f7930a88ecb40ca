// Signing in: OpenID Connect from authorize to userinfo, Login v1 with its cookies, SAML, SCIM.

import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { after, test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { type Answer, type Client, connect } from './client.ts';

const standIn = await startStandIn({ externalSecure: false });
const secure = await startStandIn();
after(() => Promise.all([standIn.close(), secure.close()]));
const client = connect(standIn.url, 'http/1.1');
const secureClient = connect(secure.url, 'h2c');
after(() => Promise.all([client[Symbol.asyncDispose](), secureClient[Symbol.asyncDispose]()]));

const CONSOLE = '163840776852275201';
const APP = '163840776852275202';
const BASIC = `Basic ${Buffer.from(`${APP}:demo-secret`).toString('base64')}`;
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

function post(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  return client.ask(path, { headers: { ...FORM, ...headers }, body: new URLSearchParams(form).toString() });
}

function parsed(answer: Answer): Record<string, string> {
  return JSON.parse(answer.body.toString());
}

test('client credentials give a token that the key set verifies and introspection knows, until it is revoked', async () => {
  const token = await post('/oauth/v2/token', { grant_type: 'client_credentials' }, { authorization: BASIC });
  assert.equal(token.status, 200);
  assert.equal(token.headers['cache-control'], 'no-store');
  const jwt = parsed(token).access_token!;
  const [head, body, signature] = jwt.split('.') as [string, string, string];
  const { keys } = JSON.parse((await client.ask('/oauth/v2/keys')).body.toString());
  const key = { key: createPublicKey({ key: keys[0], format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
  assert.ok(verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')));

  const introspect = () => post('/oauth/v2/introspect', { token: jwt }, { authorization: BASIC });
  assert.equal(JSON.parse((await introspect()).body.toString()).active, true);
  assert.equal((await post('/oauth/v2/introspect', { token: jwt })).status, 401);
  assert.equal((await post('/oauth/v2/revoke', { token: jwt }, { authorization: BASIC })).status, 200);
  assert.deepEqual(JSON.parse((await introspect()).body.toString()), { active: false });
  const userinfo = await client.ask('/oidc/v1/userinfo', { headers: { authorization: `Bearer ${jwt}` } });
  assert.equal(userinfo.status, 401);
});

for (const [what, form, headers, status, error] of [
  [
    'a wrong secret',
    { grant_type: 'client_credentials', client_id: APP, client_secret: 'no' },
    {},
    401,
    'invalid_client',
  ],
  ['a grant there is not', { grant_type: 'magic' }, { authorization: BASIC }, 400, 'unsupported_grant_type'],
  [
    'a code there is not',
    { grant_type: 'authorization_code', code: 'x' },
    { authorization: BASIC },
    400,
    'invalid_grant',
  ],
  ['no username', { grant_type: 'password' }, { authorization: BASIC }, 400, 'invalid_request'],
] as [string, Record<string, string>, Record<string, string>, number, string][]) {
  test(`token: ${what} is ${error}`, async () => {
    const answer = await post('/oauth/v2/token', form, headers);
    assert.equal(answer.status, status);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(parsed(answer).error, error);
  });
}

test('token: a wrong password is counted', async () => {
  const form = { grant_type: 'password', username: 'road-runner@acme.localhost', password: 'no' };
  const wrong = await post('/oauth/v2/token', form, { authorization: BASIC });
  assert.equal(parsed(wrong).error, 'invalid_grant');
  assert.equal(standIn.wrongAttempts.get('road-runner@acme.localhost'), 1);
  const right = await post('/oauth/v2/token', { ...form, password: 'Password1!' }, { authorization: BASIC });
  assert.equal(right.status, 200);
});

test('device authorization: codes, a pending answer, and the page to type them on', async () => {
  const codes = parsed(await post('/oauth/v2/device_authorization', { client_id: CONSOLE }));
  assert.match(codes.user_code!, /^[A-Z]{4}-[A-Z]{4}$/);
  const pending = await post('/oauth/v2/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: CONSOLE,
    device_code: codes.device_code!,
  });
  assert.deepEqual([pending.status, parsed(pending).error], [400, 'authorization_pending']);
  assert.equal((await client.ask('/device')).headers.location, '/ui/login/device');
});

test('CORS: OpenID Connect allows GET, HEAD and POST from anywhere', async () => {
  const preflight = (method: string) =>
    client.ask('/oauth/v2/token', {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': method },
    });
  assert.equal((await preflight('POST')).headers['access-control-allow-origin'], 'https://app.example');
  assert.equal((await preflight('DELETE')).headers['access-control-allow-origin'], undefined);
  const keys = await client.ask('/oauth/v2/keys', { headers: { origin: 'https://app.example' } });
  assert.equal(keys.headers['access-control-expose-headers'], 'Location, Content-Length');
});

/** The hidden and visible fields of a login page. */
function fields(page: Answer): Record<string, string> {
  const inputs = page.body.toString().matchAll(/<input (?:type="hidden" )?name="([^"]+)"[^>]*value="([^"]*)"/g);
  return Object.fromEntries(Array.from(inputs, ([, name, value]) => [name!, value!]));
}

/** The cookies of an answer as a Cookie header. */
function cookiesOf(answer: Answer): string {
  return (answer.headers['set-cookie'] ?? []).map((cookie) => cookie.split(';', 1)[0]).join('; ');
}

test('a sign-in through Login v1: authorize, pages, code with PKCE, id token, userinfo, logout', async () => {
  const verifier = 'a-verifier-that-is-long-enough-for-the-rules-of-pkce';
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const query = new URLSearchParams({
    client_id: CONSOLE,
    redirect_uri: 'http://localhost/back',
    response_type: 'code',
    scope: 'openid profile offline_access',
    state: 'st',
    nonce: 'no',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  // 1. Authorize leads to the login and names the browser.
  const start = await client.ask(`/oauth/v2/authorize?${query}`);
  assert.equal(start.status, 302);
  assert.match(
    String(start.headers['set-cookie']),
    /^zitadel\.useragent=.+; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/,
  );
  // 2. The page has a nonce of its own, and a CSRF cookie.
  const page = await client.ask(start.headers.location!);
  const nonce = /script-src 'self' 'nonce-([^']+)'/.exec(String(page.headers['content-security-policy']))?.[1];
  assert.ok(page.body.toString().includes(`nonce="${nonce}"`));
  const other = await client.ask(start.headers.location!);
  assert.notEqual(other.headers['content-security-policy'], page.headers['content-security-policy']);
  assert.match(String(page.headers.vary), /Cookie/);
  const cookie = cookiesOf(page);
  assert.match(cookie, /zitadel\.login\.csrf=/);
  const csrf = fields(page);
  // 3. Without the cookie a post is refused; with it the password is asked for.
  const loginName = 'zitadel-admin@zitadel.localhost';
  assert.equal((await post('/ui/login/loginname', { ...csrf, loginName })).status, 403);
  const asked = await post('/ui/login/loginname', { ...csrf, loginName }, { cookie });
  assert.equal(
    fields(asked).loginName?.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)),
    loginName,
  );
  // 4. A wrong password is a page like any other, and is counted.
  const wrong = await post('/ui/login/password', { ...csrf, loginName, password: 'no' }, { cookie });
  assert.equal(wrong.status, 200);
  assert.match(wrong.body.toString(), /Errors\.User\.UsernameOrPassword\.Invalid/);
  assert.equal(standIn.wrongAttempts.get(loginName), 1);
  // 5. The right one leads back, with a code.
  const right = await post('/ui/login/password', { ...csrf, loginName, password: 'Password1!' }, { cookie });
  const back = new URL((await client.ask(right.headers.location!)).headers.location!);
  assert.equal(back.searchParams.get('state'), 'st');
  const code = back.searchParams.get('code')!;
  // 6. The code is good once, and only with the verifier.
  const form = { grant_type: 'authorization_code', client_id: CONSOLE, code, redirect_uri: 'http://localhost/back' };
  const tokens = await post('/oauth/v2/token', { ...form, code_verifier: verifier });
  assert.equal(tokens.status, 200);
  const claims = JSON.parse(Buffer.from(parsed(tokens).id_token!.split('.')[1]!, 'base64url').toString());
  assert.equal(claims.nonce, 'no');
  assert.equal(claims.iss, standIn.url);
  assert.equal((await post('/oauth/v2/token', { ...form, code_verifier: verifier })).status, 400);
  const authorization = `Bearer ${parsed(tokens).access_token}`;
  const userinfo = await client.ask('/oidc/v1/userinfo', { headers: { authorization } });
  assert.equal(parsed(userinfo).preferred_username, loginName);
  const refresh = { grant_type: 'refresh_token', client_id: CONSOLE, refresh_token: parsed(tokens).refresh_token! };
  assert.equal((await post('/oauth/v2/token', refresh)).status, 200);
  // 7. The end.
  const end = await client.ask('/oidc/v1/end_session?post_logout_redirect_uri=http://localhost/bye&state=x');
  assert.equal(end.headers.location, 'http://localhost/bye?state=x');
});

test('when secure, cookies are bound to the host', async () => {
  const page = await secureClient.ask('/ui/login/login');
  const cookies = page.headers['set-cookie'] ?? [];
  assert.equal(cookies.length, 2);
  for (const cookie of cookies) assert.match(cookie, /^__Host-zitadel\..+; Path=\/; .*Secure/);
  const known = await secureClient.ask('/ui/login/login', { headers: { cookie: cookiesOf(page) } });
  assert.equal(known.headers['set-cookie']?.length, 1, 'the browser is known');
});

test('some GETs of Login v1 act', async () => {
  assert.equal(standIn.resetMails, 0);
  assert.equal((await client.ask('/ui/login/password/reset?userID=1')).status, 200);
  assert.equal(standIn.resetMails, 1);
});

test('authorize does not redirect to an address that nobody has checked', async () => {
  const answer = await client.ask('/oauth/v2/authorize?client_id=1');
  assert.deepEqual([answer.status, answer.headers.location], [400, undefined]);
});

test('SAML: a long query and a cross-site form both start a sign-in', async () => {
  const request = 'A'.repeat(14_000);
  const answers = await Promise.all(
    [client, secureClient].flatMap((each: Client) => [
      each.ask(`/saml/v2/SSO?SAMLRequest=${request}`),
      each.ask('/saml/v2/SSO', { headers: { ...FORM, origin: 'https://sp.example' }, body: `SAMLRequest=${request}` }),
    ]),
  );
  for (const answer of answers)
    assert.match(String(answer.headers.location), /^\/ui\/login\/login\?authRequestID=\d+$/);
  assert.equal((await client.ask('/saml/v2/SSO')).status, 400);
});

test('SCIM speaks its own JSON and limits its bodies', async () => {
  const refused = await client.ask('/scim/v2/1/Users');
  assert.deepEqual([refused.status, refused.headers['content-type']], [401, 'application/scim+json']);
  const headers = { authorization: 'Bearer t' };
  assert.equal(parsed(await client.ask('/scim/v2/1/Users', { headers })).totalResults, 0);
  const large = await client.ask('/scim/v2/1/Bulk', { headers, body: Buffer.alloc(1_000_001) });
  assert.equal(large.status, 413);
});

test('external identity providers may come back by a form from another site', async () => {
  const answer = await post('/idps/callback', { state: 'a b' }, { origin: 'https://appleid.apple.com' });
  assert.equal(answer.headers.location, '/ui/login/login/externalidp/callback?state=a%20b');
});
