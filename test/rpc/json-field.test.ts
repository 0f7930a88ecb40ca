// One field out of JSON, as protojson has it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { repeatsName } from '../../src/rpc/json-field.ts';
import { fieldIn, frame } from './written.ts';

const read = (body: string | Uint8Array): string | undefined => fieldIn({ body });
const user = (inner: string): string => `{"checks":{"user":{${inner}}}}`;

test('both spellings of a name are taken; null, absence and empty text are the same', () => {
  assert.equal(read(user('"loginName":"victim"')), 'victim');
  assert.equal(read(user('"login_name":"victim"')), 'victim');
  assert.equal(read(' \t\r\n{ "checks" : { "user" : { "loginName" : "victim" } } } '), 'victim');
  for (const body of ['{}', '', '{"checks":null}', user('"loginName":null'), user('"loginName":""')]) {
    assert.equal(read(body), undefined, body);
  }
});

test('attack: a name twice, however it is spelled, spaced or escaped, in any object', () => {
  for (const inner of [
    '"loginName":"decoy","loginName":"victim"',
    '"loginName":"decoy","login_name":"victim"',
    `"loginName":"decoy","loginName"${' '.repeat(5000)}:"victim"`,
    '"loginName":"decoy","login\\u004eame":"victim"',
    '"loginName":null,"loginName":"victim"',
    '"loginName":"victim","x":[{"a":1,"a":2}]',
    '"loginName":"victim","__proto__":1,"__proto__":2',
  ]) {
    assert.equal(read(user(inner)), '(malformed)', inner.slice(0, 80));
  }
  assert.equal(
    read('{"checks":{"user":{"loginName":"decoy"}},"checks":{"user":{"loginName":"victim"}}}'),
    '(malformed)',
  );
});

test('what only looks like a name twice is none', () => {
  assert.equal(
    read(user('"loginName":"\\"loginName\\":1","x":["a","a",{"a":{"a":"a"}}],"y":"x","":"\\\\"')),
    '"loginName":1',
  );
  assert.equal(read(user('"loginName":"victim","user_id":null')), 'victim');
  assert.equal(read(user('"login_name":null,"loginName":"victim"')), 'victim');
});

test('attack: a name in another case is another field, as ZITADEL has it', () => {
  assert.equal(read(user('"LoginName":"decoy","LOGIN_NAME":"decoy","loginName":"victim"')), 'victim');
  assert.equal(read(user('"LoginName":"victim"')), undefined);
});

test('attack: two fields of a oneof', () => {
  assert.equal(read(user('"loginName":"victim","userId":"7"')), '(malformed)');
  assert.equal(read(user('"user_id":"7"')), undefined);
});

test('escapes are read; half of a surrogate pair is no text', () => {
  assert.equal(read(user('"loginName":"v\\u0069ctim\\ud83d\\ude00"')), 'victim😀');
  assert.equal(read(user('"loginName":"victim\\ud83d"')), '(malformed)');
});

test('attack: a byte order mark, bytes that are no UTF-8, text before or after, a comment, single quotes', () => {
  const whole = user('"loginName":"victim"');
  for (const body of [
    `\ufeff${whole}`,
    `${whole}x`,
    `${whole}${whole}`,
    `/**/${whole}`,
    whole.replaceAll('"', "'"),
    '[]',
    '7',
  ]) {
    assert.equal(read(body), '(malformed)', body);
  }
  assert.equal(
    read(Buffer.concat([Buffer.from('{"checks":{"user":{"loginName":"v'), Buffer.from([0xff]), Buffer.from('"}}}')])),
    '(malformed)',
  );
});

test('a value of another kind is malformed: ZITADEL refuses it', () => {
  for (const value of ['7', 'true', '{}', '["victim"]'])
    assert.equal(read(user(`"loginName":${value}`)), '(malformed)');
  assert.equal(read('{"checks":{"user":"victim"}}'), '(malformed)');
  assert.equal(read('{"checks":[{"user":{"loginName":"victim"}}]}'), '(malformed)');
});

test('attack: one number, one text: other spellings are the same or malformed', () => {
  const limit = (value: string): string | undefined =>
    fieldIn({
      path: '/zitadel.user.v2.UserService/ListUsers',
      field: 'query.limit',
      body: `{"query":{"limit":${value}}}`,
    });
  for (const value of ['5', '"5"', '5.0', '50e-1']) assert.equal(limit(value), '5', value);
  for (const value of ['0', '"0"', '-0', 'null']) assert.equal(limit(value), undefined, value);
  for (const value of ['"05"', '" 5"', '"5e0"', '"0x5"', '"-1"', '4294967296', '1.5', '1e400', '""', 'true', '{}']) {
    assert.equal(limit(value), '(malformed)', value);
  }
  const offset = (value: string): string | undefined =>
    fieldIn({
      path: '/zitadel.user.v2.UserService/ListUsers',
      field: 'query.offset',
      body: `{"query":{"offset":${value}}}`,
    });
  assert.equal(offset('"18446744073709551615"'), '18446744073709551615');
  assert.equal(offset('"18446744073709551616"'), '(malformed)');
  assert.equal(offset('9007199254740993'), '(malformed)');
});

test('an enum is the same number by its name', () => {
  const sorted = (value: string): string | undefined =>
    fieldIn({
      path: '/zitadel.user.v2.UserService/ListUsers',
      field: 'sorting_column',
      body: `{"sortingColumn":${value}}`,
    });
  assert.equal(sorted('"USER_FIELD_NAME_USER_NAME"'), '1');
  assert.equal(sorted('1'), '1');
  assert.equal(sorted('"user_field_name_user_name"'), '(malformed)');
});

test('JSON is read in frames and compressed too, and only as a whole', () => {
  const whole = Buffer.from(user('"loginName":"victim"'));
  for (const type of ['application/grpc+json', 'application/grpc-web+json', 'application/connect+json']) {
    assert.equal(fieldIn({ type, body: frame(whole) }), 'victim', type);
    assert.equal(fieldIn({ type, body: frame(gzipSync(whole), 1), compression: 'gzip' }), 'victim', type);
  }
  assert.equal(fieldIn({ body: gzipSync(whole), compression: 'gzip' }), 'victim');
  assert.equal(fieldIn({ type: 'Application/JSON; charset=utf-8', body: whole }), 'victim');
  assert.equal(fieldIn({ body: whole, complete: false }), '(malformed)');
});

test('attack: nesting and quotes without end take no long time', { timeout: 5000 }, () => {
  assert.equal(read('{"a":'.repeat(13_000)), '(malformed)');
  assert.equal(read('\\"'.repeat(32_000)), '(malformed)');
  assert.equal(read(`{"a":"${'\\"'.repeat(32_000)}"}`), undefined);
  assert.equal(read(`[${'['.repeat(30_000)}${']'.repeat(30_000)}]`), '(malformed)');
});

test('a name twice is found if and only if it is there, whatever the JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), fc.nat(), (value, name, place) => {
      const text = JSON.stringify(value, null, place % 3);
      assert.equal(repeatsName(text), false);
      const key = JSON.stringify(name);
      const twice = `{"outer":[${text},{${key}:${text},"between\\\\":"}",${place % 2 === 0 ? ' ' : ''}${key}\n: ${text}}]}`;
      assert.doesNotThrow(() => JSON.parse(twice));
      assert.equal(repeatsName(twice), true);
    }),
  );
});
