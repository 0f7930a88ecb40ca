import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Once, unsayable } from '../../../src/http2/field-rules.ts';
import { goodTrailers, readHead } from '../../../src/transport/engines/frames/request-head.ts';

const HEAD = [':method', 'GET', ':scheme', 'https', ':authority', 'a.example', ':path', '/x'];

test('fields are read by name: Cookie in one piece, lists with commas, pseudo-headers too', () => {
  const headers = readHead([...HEAD, 'cookie', 'a=1', 'x', '1', 'cookie', 'b=2', 'x', '2'], true)!;
  assert.equal(headers.cookie, 'a=1; b=2');
  assert.equal(headers.x, '1, 2');
  assert.equal(headers[':path'], '/x');
});

test('names of objects are names of fields like others: nothing is inherited, nothing is polluted', () => {
  const headers = readHead([...HEAD, '__proto__', 'a', 'constructor', 'b'], true)!;
  assert.equal(headers['__proto__' as string], 'a');
  assert.equal(headers.constructor as unknown, 'b');
  assert.equal(headers.toString, undefined);
  assert.equal(Object.getPrototypeOf(headers), null);
});

for (const [title, fields] of [
  ['a second Host', ['host', 'a.example', 'host', 'a.example']],
  ['an empty Host', ['host', '']],
  ['Content-Length twice', ['content-length', '0', 'content-length', '0']],
  ['Content-Length with a sign', ['content-length', '+0']],
  ['Content-Length without a body', ['content-length', '1']],
  ['Transfer-Encoding', ['transfer-encoding', 'chunked']],
  ['a name with a colon behind its beginning', ['x:y', '1']],
  ['a value with a bare CR', ['x', 'a\rb']],
] as const) {
  test(`a request with ${title} is malformed`, () => {
    assert.equal(readHead([...HEAD, ...fields], true), undefined);
  });
}

test('trailers have neither pseudo-headers nor fields that frame a message', () => {
  assert.equal(goodTrailers(['grpc-status', '0', 'x-bin', 'AAE=']), true);
  for (const name of [':path', 'content-length', 'transfer-encoding', 'connection', 'X']) {
    assert.equal(goodTrailers([name, '1']), false, name);
  }
});

test('what HTTP/2 has no words for is not sent', () => {
  assert.equal(unsayable(['age', '1', 'age', '2', 'set-cookie', 'a', 'set-cookie', 'b'], Once.ANSWER), undefined);
  for (const [name, value] of [
    [':status', '200'],
    ['connection', 'close'],
    ['X', '1'],
    ['x', 'a\nb'],
    ['x', 'a\0'],
    ['x', ' a'],
    ['x', 'ā'],
    ['', '1'],
  ] as const) {
    assert.notEqual(unsayable([name, value], Once.ANSWER), undefined, `${name}: ${JSON.stringify(value)}`);
  }
  for (const once of [Once.TRAILERS, Once.REQUEST]) {
    assert.notEqual(unsayable(['content-type', 'a/b', 'content-type', 'c/d'], once), undefined);
  }
  for (const name of ['authorization', 'range', 'user-agent']) {
    assert.notEqual(unsayable([name, '1', 'x', '2', name, '1'], Once.REQUEST), undefined, name);
    assert.equal(unsayable([name, '1', name, '1'], Once.ANSWER), undefined, name);
  }
  assert.equal(unsayable(['cookie', 'a', 'cookie', 'b', 'x', '1', 'x', '2'], Once.REQUEST), undefined);
});
