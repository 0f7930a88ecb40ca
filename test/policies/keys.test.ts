// What tells callers apart. Each part with what an attacker would do to have another key, or somebody else's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary, toJson } from '@bufbuild/protobuf';
import {
  CreateSessionRequestSchema,
  SetSessionRequestSchema,
} from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import fc from 'fast-check';
import type { Exchange, PeekedBody } from '../../src/core/exchange.ts';
import type { PolicyServices } from '../../src/core/policy.ts';
import { parseNetwork } from '../../src/networks/network.ts';
import { networkOf } from '../../src/policies/keys/address.ts';
import { compileKey } from '../../src/policies/keys/compiled-key.ts';
import { mayPeek } from '../../src/policies/keys/message.ts';
import { ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';

const SERVICES = { rpcs: ZITADEL_RPCS, ipv6PrefixLength: 64 } as unknown as PolicyServices;

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly fields?: readonly string[];
  readonly type?: string;
  readonly body?: string | Uint8Array;
  readonly complete?: boolean;
  readonly address?: string;
  readonly internal?: boolean;
  readonly rewrite?: { readonly from: string; readonly to: string };
}

/** The key of a request; `(unreadable)` stands for what cannot be read. */
function keyOf(parts: readonly string[], asked: Asked): string | undefined {
  const { method = 'POST', path = '/', query, fields = [], type = '', body = '', complete = true } = asked;
  const headers: Record<string, string> = { 'content-type': type };
  for (let i = 0; i < fields.length; i += 2) headers[fields[i]!] = fields[i + 1]!;
  const exchange = {
    client: { address: asked.address ?? '192.0.2.1', internal: asked.internal ?? false },
    head: { method, path, contentType: type, headers },
    raw: {
      fields,
      target: query === undefined ? path : `${path}?${query}`,
      authority: 'id.example.com:443',
      connection: {},
    },
    route: { name: 'somewhere', rewrite: asked.rewrite },
    dialect: { name: 'http' },
  } as unknown as Exchange;
  const peeked: PeekedBody = { bytes: Buffer.from(body), complete };
  return compileKey(parts, SERVICES).read(exchange, peeked);
}

const FORM = 'application/x-www-form-urlencoded';
const framed = (bytes: Uint8Array): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

test('address: IPv4 whole, IPv6 by its /64, so that its owner cannot take a new one for each request', () => {
  assert.equal(keyOf(['address'], { address: '192.0.2.7' }), '192.0.2.7');
  const same = ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2:3:4:5:6'];
  assert.equal(new Set(same.map((address) => keyOf(['address'], { address }))).size, 1);
  assert.notEqual(keyOf(['address'], { address: '2001:db8:1:3::1' }), keyOf(['address'], { address: same[0]! }));
});

test('address: any length of prefix cuts at the bit, not at the group, and is a network that a list takes', () => {
  assert.equal(networkOf('2001:db8:abcd:ffff::1', 56), '2001:db8:abcd:ff00::/56');
  assert.equal(networkOf('2001:db8::1', 128), '2001:db8:0:0:0:0:0:1/128');
  assert.equal(networkOf('::1', 64), '0:0:0:0::/64');
  assert.equal(networkOf('fe80::', 1), '8000::/1');
  for (let bits = 1; bits <= 128; bits += 1) {
    const { prefix, hostBits } = parseNetwork(networkOf('2001:db8:1:2:3:4:5:6', bits));
    assert.deepEqual({ prefix, hostBits }, { prefix: bits, hostBits: false });
  }
});

test('address: a peer of an internal listener is many clients, and no key', () => {
  assert.equal(keyOf(['address'], { internal: true }), undefined);
});

test('bearer: the token is in no key, only its hash; other schemes are none', () => {
  const key = keyOf(['bearer'], { fields: ['authorization', 'Bearer very-secret-token'] })!;
  assert.match(key, /^#[\w-]{22}$/);
  assert.equal(key, keyOf(['bearer'], { fields: ['authorization', 'bearer  very-secret-token'] }));
  assert.equal(keyOf(['bearer'], { fields: ['authorization', 'Basic YTpi'] }), undefined);
});

test('cookie: the first of the name, hashed; alternatives in their order', () => {
  const parts = ['cookie:__Host-zitadel.useragent|zitadel.useragent'];
  const plain = keyOf(parts, { fields: ['cookie', 'a=1; zitadel.useragent=abc; zitadel.useragent=def'] });
  assert.match(plain!, /^#/);
  assert.equal(plain, keyOf(parts, { fields: ['cookie', 'zitadel.useragent=abc'] }));
  assert.notEqual(plain, keyOf(parts, { fields: ['cookie', '__Host-zitadel.useragent=x; zitadel.useragent=abc'] }));
  assert.equal(keyOf(parts, { fields: ['cookie', 'not.zitadel.useragent=abc'] }), undefined);
});

test('header: a long value, or one with control characters, is hashed: keys are bounded, NUL parts them', () => {
  assert.equal(keyOf(['header:X-Api-Key'], { fields: ['x-api-key', 'k1'] }), 'k1');
  assert.match(keyOf(['header:x-api-key'], { fields: ['x-api-key', 'k'.repeat(5000)] })!, /^#.{22}$/);
  assert.match(keyOf(['header:x-api-key'], { fields: ['x-api-key', 'a\0b'] })!, /^#/);
});

test('client_id: Basic authentication, then the form, then the issuer of an assertion', () => {
  const jwt = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
  const ask = (body: string, fields: string[] = []) => keyOf(['client_id'], { type: FORM, body, fields });
  assert.equal(ask('client_id=app&client_secret=s'), 'app');
  assert.equal(ask('client_id=app', ['authorization', `Basic ${btoa('my%40app:secret')}`]), 'my@app');
  assert.equal(ask(`client_assertion=${jwt({ iss: 'service' })}`), 'service');
  assert.equal(ask(`assertion=${jwt({ iss: 'user' })}&grant_type=x`), 'user');
  assert.equal(ask('grant_type=x'), undefined);
  assert.equal(ask('client_assertion=nonsense'), '(unreadable)');
});

test('attack: a field twice with different values, or behind more than is looked at, is nobody’s key but one shared', () => {
  assert.equal(keyOf(['client_id'], { type: FORM, body: 'client_id=a&client_id=b' }), '(unreadable)');
  assert.equal(keyOf(['client_id'], { type: FORM, body: 'client_id=a&client_id=a' }), 'a');
  assert.equal(keyOf(['form:x'], { type: FORM, body: `pad=${'0'.repeat(99)}`, complete: false }), '(unreadable)');
});

test('attack: a field where ZITADEL reads it too: in the query, in multipart, in another case', () => {
  const v1 = { path: '/ui/login/loginname' };
  const multipart = { ...v1, type: 'multipart/form-data; boundary=XX' };
  const part = (name: string, value: string): string =>
    `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  for (const one of [
    { ...v1, query: 'loginName=joe' },
    { ...v1, query: 'loginName=joe', type: 'text/plain', body: 'x' },
    { ...v1, query: 'loginName=joe', type: FORM, body: 'loginName=' },
    { ...v1, type: FORM, body: 'LOGINNAME=joe' },
    { ...multipart, body: `${part('loginName', 'joe')}--XX--\r\n` },
  ])
    assert.equal(keyOf(['login_name'], one), 'joe', JSON.stringify(one));
  for (const one of [
    { ...v1, query: 'loginName=joe', type: FORM, body: 'loginName=decoy' },
    { ...v1, type: FORM, body: 'loginName=decoy&loginname=joe' },
    { ...multipart, query: 'loginName=decoy', body: `${part('loginName', 'joe')}--XX--\r\n` },
    // Heads that parsers read differently, and a boundary inside a value.
    { ...multipart, body: '--XX\r\nContent-Disposition: form-data; name=loginName\r\n\r\njoe\r\n--XX--\r\n' },
    { ...multipart, body: `--XX\r\nX: "\r\n--XX\r\n"${part('loginName', 'joe')}--XX--\r\n` },
    { ...multipart, body: `preamble${part('loginName', 'joe')}--XX--\r\n` },
    { ...multipart, body: part('loginName', 'joe') },
  ])
    assert.equal(keyOf(['login_name'], one), '(unreadable)', JSON.stringify(one));
  assert.equal(keyOf(['form:authRequestID'], { path: '/ui/login/password', query: 'authRequestID=7' }), '7');
});

test('attack: the query of a page of Login v2, or of a call, is not what its body says', () => {
  const action = { path: '/ui/v2/login/password', fields: ['next-action', 'abc'], query: 'loginName=decoy' };
  assert.equal(keyOf(['login_name'], { ...action, type: 'text/plain', body: '[{"loginName":"joe"}]' }), 'joe');
  const call = { path: '/v2/sessions', query: 'loginName=decoy', type: 'application/json' };
  assert.equal(keyOf(['login_name'], { ...call, body: '{"checks":{"user":{"loginName":"joe"}}}' }), 'joe');
});

test('attack: an argument of an action that stands in another piece than where it is looked for first', () => {
  const part = (name: string, value: string): string =>
    `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const of = (...parts: string[]): string | undefined =>
    keyOf(['login_name'], {
      path: '/ui/v2/login/password',
      type: 'multipart/form-data; boundary=XX',
      body: `${parts.join('')}--XX--\r\n`,
    });
  assert.equal(of(part('0', '["$1:x"]'), part('1', '{"x":{"loginName":"joe"}}')), 'joe');
  assert.equal(of(part('$ACTION_REF_1', ''), part('$ACTION_1:1', '[{"loginName":"joe"}]')), 'joe', 'no Next-Action');
  assert.equal(of(part('0', '[{"loginName":"$1"}]'), part('1', '"joe"')), '(unreadable)');
  assert.equal(of(part('0', '[{"loginName":"decoy"},{"loginName":"joe"}]')), '(unreadable)');
  assert.equal(
    of(part('0', '[{"loginName":"$undefined","sessionId":"7"}]')),
    undefined,
    'what has no value is missing',
  );
  assert.equal(of(part('0', '[{"loginName":"$$joe"}]')), '$joe');
  const deep = `${'['.repeat(20_000)}{"loginName":"joe"}${']'.repeat(20_000)}`;
  assert.equal(of(part('0', deep)), 'joe', 'as deep as it may be');
  const action = {
    path: '/ui/v2/login/otp',
    fields: ['next-action', 'a'],
    type: 'text/plain',
    body: '[{"sessionId":"7"}]',
  };
  assert.equal(keyOf(['action:sessionId'], action), '7');
});

test('attack: a REST path is waited for whatever type its body pretends to have; streams of messages are not', () => {
  const may = (path: string, contentType: string, dialect: string): boolean =>
    mayPeek(
      {
        dialect: { name: dialect },
        head: { method: 'POST', path, contentType, headers: {} },
        route: {},
      } as unknown as Exchange,
      SERVICES,
    );
  for (const type of ['application/connect+json', 'application/grpc', 'text/plain', ''])
    for (const dialect of ['connect', 'grpc', 'http']) assert.ok(may('/v2/sessions', type, dialect), type);
  const rpc = '/zitadel.session.v2.SessionService/CreateSession';
  assert.ok(may(rpc, 'application/grpc', 'grpc'));
  assert.ok(!may(rpc, 'application/connect+json', 'connect'), 'ZITADEL refuses it: its RPCs are unary');
  assert.ok(!may('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', 'application/grpc', 'grpc'));
});

test('login_session: every session of the cookie is a key, whatever else is said of it', () => {
  const cookie = (...ids: string[]): string[] => [
    'cookie',
    `a=1; sessions=${encodeURIComponent(JSON.stringify(ids.map((id) => ({ id, loginName: `decoy of ${id}` }))))}`,
  ];
  assert.equal(keyOf(['login_session'], { fields: cookie('1') }), '1');
  assert.equal(keyOf(['login_session'], { fields: cookie('1', '2') }), '1,2');
  assert.equal(keyOf(['login_session'], { fields: [...cookie('1'), ...cookie('2')] }), '1,2', 'attack: twice');
  assert.equal(keyOf(['login_session'], { fields: [] }), undefined);
  for (const value of [
    'nonsense',
    '{}',
    '[null]',
    '[{"id":7}]',
    '%',
    JSON.stringify(Array(99).fill({ id: '1' })).slice(1),
  ])
    assert.equal(keyOf(['login_session'], { fields: ['cookie', `sessions=${value}`] }), '(unreadable)', value);
  const exchange = { raw: { fields: cookie('1', '2') }, client: { address: '192.0.2.1' } } as unknown as Exchange;
  const key = compileKey(['address', 'login_session'], SERVICES);
  assert.deepEqual(key.readAll(exchange, undefined), ['192.0.2.1\x001', '192.0.2.1\x002']);
});

test('login_name: one account is one key, over Login v1, Login v2 and the session service in every form', () => {
  const session = create(CreateSessionRequestSchema, {
    checks: { user: { search: { case: 'loginName', value: 'Joe@Acme.example' } } },
  });
  const binary = toBinary(CreateSessionRequestSchema, session);
  const json = JSON.stringify(toJson(CreateSessionRequestSchema, session));
  const rpc = { path: '/zitadel.session.v2.SessionService/CreateSession' };
  const v2 = { path: '/ui/v2/login/password', fields: ['next-action', 'abc'] };
  const asked: Asked[] = [
    { path: '/ui/login/loginname', type: FORM, body: 'loginName=joe%40acme.example&x=1' },
    { ...v2, type: 'text/plain;charset=UTF-8', body: '[{"loginName":" JOE@acme.example","checks":{}}]' },
    {
      ...v2,
      type: 'multipart/form-data; boundary=XX',
      body: '--XX\r\nContent-Disposition: form-data; name="1_loginName"\r\n\r\njoe@acme.example\r\n--XX--\r\n',
    },
    {
      ...v2,
      type: 'multipart/form-data; boundary="XX"',
      body: '--XX\r\nContent-Disposition: form-data; name="0"\r\n\r\n[{"loginName":"joe@acme.example"}]\r\n--XX--\r\n',
    },
    { ...rpc, type: 'application/grpc', body: framed(binary) },
    { ...rpc, type: 'application/grpc-web+proto', body: framed(binary) },
    { ...rpc, type: 'application/grpc-web-text', body: framed(binary).toString('base64') },
    { ...rpc, type: 'application/grpc+json', body: framed(Buffer.from(json)) },
    { ...rpc, type: 'application/proto', body: binary },
    { ...rpc, type: 'application/json', body: json },
    { ...rpc, type: 'application/json', body: json.replace('loginName', 'login_name') },
    { path: '/v2/sessions', type: 'application/json', body: json },
    { path: '/ui/login/login/ldap/callback', type: FORM, body: 'ldapusername=joe@acme.example&ldappassword=x' },
  ];
  for (const one of asked) assert.equal(keyOf(['login_name'], one), 'joe@acme.example', JSON.stringify(one));
});

test('attack: the same RPC by a REST path that only resembles, or by another service, has no key of it', () => {
  assert.equal(
    keyOf(['login_name'], {
      path: '/v2/users',
      type: 'application/json',
      body: '{"checks":{"user":{"loginName":"joe"}}}',
    }),
    undefined,
  );
});

test('rpc: one RPC is one key by path and by REST', () => {
  const byRpc = keyOf(['rpc'], { path: '/zitadel.session.v2.SessionService/SetSession' });
  assert.equal(byRpc, 'zitadel.session.v2.SessionService/SetSession');
  assert.equal(keyOf(['rpc'], { method: 'PATCH', path: '/v2/sessions/123' }), byRpc);
  assert.equal(
    keyOf(['rpc'], { method: 'POST', path: '/v2/sessions/123' }),
    byRpc,
    'a form POST is served by its handler',
  );
  assert.equal(keyOf(['rpc'], { method: 'GET', path: '/ui/console/' }), undefined);
  const invented = ['A', 'B'].map((name) => keyOf(['rpc'], { path: `/zitadel.session.v2.SessionService/${name}` }));
  assert.deepEqual(invented, ['(unknown)', '(unknown)'], 'attack: invented names are no keys of their own');
});

test('message: a field of the path, the body or the query, by whichever way the call is made', () => {
  const binary = toBinary(SetSessionRequestSchema, create(SetSessionRequestSchema, { sessionId: '123' }));
  const parts = ['message:session_id'];
  assert.equal(
    keyOf(parts, {
      path: '/zitadel.session.v2.SessionService/SetSession',
      type: 'application/grpc',
      body: framed(binary),
    }),
    '123',
  );
  assert.equal(
    keyOf(parts, { method: 'PATCH', path: '/v2/sessions/123', type: 'application/json', body: '{"sessionId":"999"}' }),
    '123',
    'the path wins in ZITADEL',
  );
  assert.equal(
    keyOf(['message:session_token'], { method: 'GET', path: '/v2/sessions/123', query: 'sessionToken=t' }),
    't',
  );
});

test('attack: what cannot be read is no missing key: compressed beyond measure, malformed, twice, half', () => {
  const rpc = { path: '/zitadel.session.v2.SessionService/CreateSession' };
  const bad: Asked[] = [
    {
      ...rpc,
      type: 'application/grpc',
      body: Buffer.from([1, 0, 0, 0, 2, 0x1f, 0x8b]),
      fields: ['grpc-encoding', 'gzip'],
    },
    { ...rpc, type: 'application/grpc', body: Buffer.from([1, 0, 0, 0, 1, 9]), fields: ['grpc-encoding', 'br'] },
    { ...rpc, type: 'application/grpc', body: Buffer.from([0, 0, 0, 0, 9, 9]) },
    { ...rpc, type: 'application/proto', body: Buffer.from([0x0a, 0x7f, 1]) },
    { ...rpc, type: 'application/json', body: '{"checks":{"user":{"loginName":"a","loginName":"b"}}}' },
    { ...rpc, type: 'application/json', body: '{"checks":{"user":{"loginName":"a","login_name":"b"}}}' },
    { ...rpc, type: 'application/json', body: '{"checks":', complete: false },
  ];
  for (const one of bad) assert.equal(keyOf(['login_name'], one), '(unreadable)', JSON.stringify(one));
});

test('attack: a sub-message in two parts is merged, and of a field twice the last counts, as decoders have it', () => {
  const of = (name: string): Uint8Array =>
    toBinary(
      CreateSessionRequestSchema,
      create(CreateSessionRequestSchema, { checks: { user: { search: { case: 'loginName', value: name } } } }),
    );
  const body = Buffer.concat([of('decoy'), of('victim')]);
  const rpc = { path: '/zitadel.session.v2.SessionService/CreateSession', type: 'application/proto' };
  assert.equal(keyOf(['login_name'], { ...rpc, body }), 'victim');
});

test('user_code: separators and case are for people; query, form and action are the same', () => {
  const ways: Asked[] = [
    { method: 'GET', path: '/device', query: 'user_code=ABCD-EFGH' },
    { path: '/ui/login/device', type: FORM, body: 'user_code=abcd+efgh' },
    {
      path: '/ui/v2/login/device',
      type: 'text/plain',
      fields: ['next-action', 'x'],
      body: '[{"userCode":"ABCDEFGH"}]',
    },
    { path: '/ui/v2/login/device', type: 'text/plain', fields: ['next-action', 'x'], body: '["abcd efgh"]' },
  ];
  const keys = new Set(ways.map((way) => keyOf(['user_code'], way)));
  assert.equal(keys.size, 1);
  assert.match([...keys][0] ?? '', /^#.{22}$/, 'only its hash: whoever reads a list of keys must not use it');
});

test('a key with several parts is missing where one is; and texts cannot run into each other', () => {
  assert.equal(keyOf(['address', 'organization'], {}), undefined);
  assert.equal(keyOf(['address', 'organization'], { fields: ['x-zitadel-orgid', '7'] }), '192.0.2.1\x007');
});

test('an unknown part, an argument too many or too few, and a field of no message are told with what was expected', () => {
  for (const [part, problem] of [
    ['adress', /no key part 'adress': expected action:…, address, bearer/],
    ['address:1', /'address' takes nothing after a colon/],
    ['header', /'header' needs a field name: header:…/],
    ['header:a b', /expected the name of a header field, not 'a b'/],
    ['header:Authorization', /holds secrets/],
    ['message:nowhere.at_all', /no RPC has a text or number 'nowhere\.at_all'/],
    ['message:checks', /no RPC has a text or number 'checks'/],
  ] as const)
    assert.throws(() => compileKey([part], SERVICES), problem);
});

test('whatever the bytes, a key is text, missing or unreadable, and bounded; nothing is thrown', () => {
  const types = [
    FORM,
    'text/plain',
    'application/grpc',
    'application/grpc-web-text',
    'application/json',
    'application/proto',
    'multipart/form-data; boundary=b',
  ];
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(...types),
      fc.constantFrom(
        '/zitadel.session.v2.SessionService/CreateSession',
        '/v2/sessions',
        '/oauth/v2/token',
        '/ui/v2/login/x',
      ),
      fc.constantFrom('login_name', 'client_id', 'user_code', 'form:a', 'message:session_id', 'rpc', 'host'),
      (body, type, path, part) => {
        const key = keyOf([part], { path, type, body, fields: ['next-action', 'a', 'grpc-encoding', 'gzip'] });
        assert.ok(key === undefined || key.length <= 128);
      },
    ),
    { numRuns: 500 },
  );
});

test('attack: below a prefix that is stripped on the way an RPC is the same RPC', () => {
  const alias: Asked = { path: '/api/v2/sessions', rewrite: { from: '/api', to: '/' }, type: 'application/json' };
  const body = '{"checks":{"user":{"loginName":"joe"}}}';
  assert.equal(keyOf(['login_name'], { ...alias, body }), 'joe');
  assert.equal(keyOf(['rpc'], alias), 'zitadel.session.v2.SessionService/CreateSession');
});

test('attack: a second question mark is part of the query and hides nothing of it', () => {
  const asked: Asked = { method: 'GET', path: '/v2/sessions/123', query: 'x=?&sessionToken=t' };
  assert.equal(keyOf(['message:session_token'], asked), 't');
});
