// Secrets in URLs. The query of an authorization request, of a redirect back from an identity provider, of a mail link:
// whoever reads one in a log may finish the login in somebody else's name (RFC 6819 section 5.1.1, RFC 9700 section 4.2).

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createRedactor, REDACTED } from '../../src/telemetry/redact.ts';
import { canonical, SECRET_NAMES } from '../../src/telemetry/secret-names.ts';

const redactor = createRedactor();
const SECRET = 'S3cr3tValue';

/** The names as specifications and ZITADEL write them. */
const SPELLED = [
  ...['code', 'state', 'id_token_hint', 'login_hint', 'assertion', 'client_assertion', 'client_secret', 'token'],
  ...['access_token', 'refresh_token', 'id_token', 'password', 'passwd', 'user_code', 'device_code', 'code_verifier'],
  ...['code_challenge', 'nonce', 'SAMLRequest', 'SAMLResponse', 'RelayState', 'Signature', 'authRequestID', 'userID'],
  ...['logout_hint', 'logout_token', 'subject_token', 'actor_token', 'request', 'request_uri', 'session_state'],
  ...['sessionToken', 'session_token', 'authRequest', 'requestId', 'samlRequest', 'loginName', 'invite_code', 'otp'],
  ...['newPassword', 'passwordRepeat', 'verificationCode', 'idpToken', 'api-key', 'SAMLart'],
];

function percentEncodedAll(text: string): string {
  return [...text].map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
}

for (const name of SPELLED) {
  test(`the value of ${name} never passes, however the name is spelled`, () => {
    for (const spelling of [
      name,
      name.toUpperCase(),
      name.toLowerCase(),
      percentEncodedAll(name),
      `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`,
    ])
      for (const target of [
        `/p?${spelling}=${SECRET}`,
        `/p?a=1&${spelling}=${SECRET}&b=2`,
        `/p?a=1;${spelling}=${SECRET};b=2`,
        `/p?${spelling}=first&${spelling}=${SECRET}`,
        `/p?a=1?${spelling}=${SECRET}`,
        `/p;${spelling}=${SECRET}/x?a=1`,
        `https://host/p?${spelling}=${SECRET}`,
        `/p?next=${encodeURIComponent(`https://app/cb?x=1&${spelling}=${SECRET}&y=2`)}`,
      ]) {
        const redacted = redactor.target(target);
        assert.ok(!redacted.includes(SECRET), `${target} became ${redacted}`);
        assert.ok(redacted.includes(REDACTED));
      }
  });
}

test('every name of the list is covered, as it stands there', () => {
  for (const name of SECRET_NAMES) {
    assert.equal(name, canonical(name));
    assert.equal(redactor.target(`/p?${name}=${SECRET}`), `/p?${name}=${REDACTED}`);
  }
});

test('what is not secret stays as it came, byte for byte', () => {
  for (const target of [
    '/',
    '*',
    '/ui/console/assets/i18n/en.json?v=2024-01-01',
    '/oauth/v2/keys',
    '/v2/users/259242039378444290/passkeys/1?query=a%20b&limit=100&asc=true',
    '/oauth/v2/authorize?client_id=1@p&response_type=id&scope=openid%20profile&prompt=login&ui_locales=de',
    '/p?redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback%3Flang%3Dde&x',
    '/p?empty=&also',
    '/zitadel.session.v2.SessionService/CreateSession',
  ])
    assert.equal(redactor.target(target), target);
});

test('the rest of a redacted URL stays readable', () => {
  assert.equal(
    redactor.target('/oauth/v2/authorize?client_id=12&state=abc&scope=openid&nonce=n#x'),
    `/oauth/v2/authorize?client_id=12&state=${REDACTED}&scope=openid&nonce=${REDACTED}#${REDACTED}`,
  );
  assert.equal(
    redactor.target('/p?redirect_uri=https%3A%2F%2Fapp%2Fcb%3Fcode%3Dabc&x=1'),
    `/p?redirect_uri=https%3A%2F%2Fapp%2Fcb%3Fcode%3D${REDACTED}&x=1`,
  );
});

test('the id of an authorization request is secret where a login page returns to, and only there', () => {
  assert.equal(redactor.target('/oauth/v2/authorize/callback?id=V2_1'), `/oauth/v2/authorize/callback?id=${REDACTED}`);
  assert.equal(redactor.target('/saml/v2/callback?%69d=V2_1'), `/saml/v2/callback?%69d=${REDACTED}`);
  assert.equal(redactor.target('/v2/things?id=1'), '/v2/things?id=1');
});

test('a secret that holds separators is taken out whole', () => {
  for (const value of ['a;b', 'a?b', 'a%26b', 'a%3Bb', 'a=b', 'a%253Db'])
    assert.equal(redactor.target(`/p?code=${value}&x=1`), `/p?code=${REDACTED}&x=1`);
});

test('a fragment is taken out', () => {
  assert.equal(redactor.target('/cb#access_token=abc'), `/cb#${REDACTED}`);
  assert.ok(!redactor.target('/cb%23access_token=abc').includes('abc'));
});

test('an encoded question mark or equals sign hides nothing', () => {
  for (const target of [
    '/cb%3Fcode=S3cr3tValue',
    '/cb%3fcode%3dS3cr3tValue',
    '/cb?code%3DS3cr3tValue',
    '/cb?x=%2526code%253DS3cr3tValue',
    '/cb%23state=S3cr3tValue',
    '/code=S3cr3tValue/x',
  ])
    assert.ok(!redactor.target(target).includes(SECRET), redactor.target(target));
});

test('userinfo is taken out of absolute-form targets, of URLs in values, and of the authority', () => {
  assert.equal(redactor.target('http://joe:pw@host/p'), `http://${REDACTED}@host/p`);
  assert.equal(redactor.target('//joe:pw@host/p'), `//${REDACTED}@host/p`);
  assert.equal(redactor.target('http://joe:p@w@host/p?x=1'), `http://${REDACTED}@host/p?x=1`);
  assert.equal(redactor.target('/p?u=http://joe:pw@host/'), `/p?u=http://${REDACTED}@host/`);
  assert.ok(!redactor.target('/p?u=http%3A%2F%2Fjoe%3Apw%40host%2F').includes('pw'));
  assert.equal(redactor.authority('joe:pw@host:443'), `${REDACTED}@host:443`);
  assert.equal(redactor.authority('host:443'), 'host:443');
});

test('fields inside JSON or under a path to a field are known', () => {
  assert.ok(!redactor.target(`/p?q={"password":"${SECRET}"}`).includes(SECRET));
  assert.ok(!redactor.target(`/p?q=${encodeURIComponent(`{"a":{"password": "${SECRET}"}}`)}`).includes(SECRET));
  assert.ok(!redactor.target(`/p?checks.password.password=${SECRET}`).includes(SECRET));
  assert.ok(!redactor.target(`/p?user[password]=${SECRET}`).includes(SECRET));
  assert.ok(!redactor.target(`/p?user%5Bpassword%5D=${SECRET}`).includes(SECRET));
});

test('a JSON Web Token is known by its look, whatever its name and place', () => {
  const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
  for (const target of [`/p?x=${jwt}`, `/p/${jwt}/q`, `/p?${jwt}`, `/p?x=a%20${jwt}`])
    assert.ok(!redactor.target(target).includes('c2lnbmF0dXJl'), redactor.target(target));
});

test('the operator can add names, in any spelling', () => {
  const own = createRedactor({ names: ['X-Ticket_Number', 'plz'] });
  assert.equal(own.target('/p?xTicketNumber=1&PLZ=8000&c=2'), `/p?xTicketNumber=${REDACTED}&PLZ=${REDACTED}&c=2`);
  assert.equal(redactor.target('/p?plz=8000'), '/p?plz=8000');
});

test('free text loses pairs, credentials, cookies and userinfo, and keeps what an operator looks for', () => {
  for (const text of [
    `no route for /cb?code=${SECRET}&x=1`,
    `Authorization: Bearer ${SECRET}`,
    `bearer ${SECRET}`,
    `Cookie: zitadel.useragent=${SECRET}; a=b`,
    `set-cookie=${SECRET}`,
    `{"client_secret": "${SECRET}"}`,
    `connect http://user:${SECRET}@host failed`,
    `token eyJhbGciOiJSUzI1NiJ9.${SECRET}.x`,
  ])
    assert.ok(!redactor.text(text).includes(SECRET), redactor.text(text));
  for (const text of [
    'RST_STREAM code=8',
    'connect code=ECONNREFUSED.',
    'rate limit login: 10 in 60000 ms',
    'state of the session',
  ])
    assert.equal(redactor.text(text), text);
});

test('no nesting, no encoding and no neighbour lets a secret through', () => {
  const junk = fc.string({
    unit: fc.constantFrom('a', 'Z', '0', '/', '?', '&', ';', '=', '%', '%25', '#', '@', '.', '+', '"', ':'),
    maxLength: 12,
  });
  fc.assert(
    fc.property(junk, junk, fc.constantFrom(...SPELLED), fc.nat(3), (before, after, name, depth) => {
      let inner = `https://app/cb?${name}=${SECRET}`;
      for (let i = 0; i < depth; i += 1) inner = `https://app/cb?next=${encodeURIComponent(inner)}`;
      const redacted = redactor.target(
        `/p${before}?x=1&${depth === 0 ? inner.slice(15) : `next=${encodeURIComponent(inner)}`}&${after}`,
      );
      assert.ok(!redacted.includes(SECRET), redacted);
    }),
    { numRuns: 500 },
  );
});

test('a hostile URL costs little: 64 KiB of every kind of separator is read in less than a second', () => {
  for (const unit of [
    '=',
    '&',
    ';',
    '?',
    '%',
    '%25',
    '@',
    '//',
    '//@',
    'eyJ',
    'eyJaaaaa.',
    '%3F%3D',
    '"a":',
    'code=',
    '%25252525',
  ])
    for (const read of [redactor.target, redactor.text]) {
      const started = performance.now();
      read(`/p?${unit.repeat(65_536 / unit.length)}`);
      assert.ok(performance.now() - started < 1000, unit);
    }
});
