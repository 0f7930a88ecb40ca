// One field out of protobuf bytes, as a decoder of the whole message has it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { checksUser, delimited, fieldIn, frame, varint } from './written.ts';

const read = (body: Uint8Array): string | undefined => fieldIn({ type: 'application/proto', body });
const LOGIN_NAME = 2;
const victim = delimited(LOGIN_NAME, 'victim');

test('a field is found below its messages; empty text and absence are the same', () => {
  assert.equal(read(checksUser(victim)), 'victim');
  assert.equal(read(checksUser(delimited(LOGIN_NAME, ''))), undefined);
  assert.equal(read(checksUser()), undefined);
  assert.equal(read(Buffer.alloc(0)), undefined);
});

test('attack: a key hidden by another one before or after it: the last counts, as decoders have it', () => {
  assert.equal(read(checksUser(delimited(LOGIN_NAME, 'decoy'), victim)), 'victim');
  assert.equal(read(Buffer.concat([checksUser(delimited(LOGIN_NAME, 'decoy')), checksUser(victim)])), 'victim');
  assert.equal(read(checksUser(victim, delimited(LOGIN_NAME, ''))), undefined);
});

test('attack: a key hidden by a sub-message in two parts: they are merged', () => {
  const parts = [checksUser(victim), delimited(1, delimited(1, '')), delimited(1, '')];
  assert.equal(read(Buffer.concat(parts)), 'victim');
  assert.equal(read(delimited(1, Buffer.concat([delimited(1, victim), delimited(1, '')]))), 'victim');
});

test('attack: two fields of a oneof are nobody’s guess, also over two parts of the message', () => {
  const userId = delimited(1, '7');
  assert.equal(read(checksUser(victim, userId)), '(malformed)');
  assert.equal(read(Buffer.concat([checksUser(victim), checksUser(userId)])), '(malformed)');
  // As a number it is none of the oneof to Go, which skips it.
  assert.equal(read(checksUser(victim, varint(1 << 3), varint(7))), '(malformed)');
  assert.equal(read(checksUser(userId, victim)), 'victim');
  assert.equal(read(checksUser(userId)), undefined);
});

test('attack: a key hidden by fields that nobody knows, of every wire type', () => {
  const unknown = [
    Buffer.concat([varint(900 << 3), varint(-1n)]),
    Buffer.concat([varint((900 << 3) | 1), Buffer.alloc(8, 0xff)]),
    delimited(900, 'x'.repeat(300)),
    Buffer.concat([varint((900 << 3) | 5), Buffer.alloc(4, 0xff)]),
    Buffer.concat([varint((900 << 3) | 3), delimited(LOGIN_NAME, 'decoy'), varint((900 << 3) | 4)]),
    delimited(2 ** 28 - 1, 'x'),
  ];
  for (const field of unknown) {
    assert.equal(read(checksUser(field, victim, field)), 'victim');
    assert.equal(read(Buffer.concat([field, checksUser(victim)])), 'victim');
  }
});

test('attack: longer forms of tags and lengths than they need are read; those of more than 64 bits are not', () => {
  const spelled = (tag: number, content: Uint8Array, spare: number): Buffer =>
    Buffer.concat([varint(tag, spare), varint(content.length, spare), content]);
  const name = Buffer.from('victim');
  for (const spare of [1, 4, 8]) {
    const user = spelled((LOGIN_NAME << 3) | 2, name, spare);
    assert.equal(read(spelled(10, spelled(10, user, spare), spare)), 'victim', `${spare} bytes more`);
  }
  assert.equal(read(checksUser(varint((LOGIN_NAME << 3) | 2, 10), varint(6), name)), '(malformed)');
  const overflow = Buffer.from([...Array(9).fill(0xff), 0x02]);
  assert.equal(read(checksUser(victim, varint(900 << 3), overflow)), '(malformed)');
});

test('attack: tags and lengths above 32 bits, which some decoders cut off', () => {
  const high = 1n << 32n;
  assert.equal(read(checksUser(varint(high | 18n), varint(6), Buffer.from('victim'))), '(malformed)');
  assert.equal(read(checksUser(varint(18), varint(high | 6n), Buffer.from('victim'))), '(malformed)');
});

test('what is no message is malformed: cut off, field 0, a wrong wire type, groups that do not end or too deep', () => {
  const whole = checksUser(victim);
  for (let length = 1; length < whole.length; length += 1) {
    assert.equal(read(whole.subarray(0, length)), '(malformed)', `${length} bytes`);
  }
  assert.equal(read(checksUser(victim, Buffer.from([0, 0]))), '(malformed)');
  assert.equal(read(checksUser(varint(LOGIN_NAME << 3), varint(1))), '(malformed)');
  assert.equal(read(checksUser(victim, varint((900 << 3) | 3))), '(malformed)');
  assert.equal(read(checksUser(victim, varint((900 << 3) | 4))), '(malformed)');
  assert.equal(read(checksUser(victim, varint((900 << 3) | 3), varint((901 << 3) | 4))), '(malformed)');
  assert.equal(read(checksUser(victim, varint((900 << 3) | 6))), '(malformed)');
  assert.equal(read(checksUser(victim, ...Array(60_000).fill(varint((15 << 3) | 3)))), '(malformed)');
});

test('attack: text that is no UTF-8, or has a byte order mark, is not taken for another text', () => {
  assert.equal(read(checksUser(delimited(LOGIN_NAME, Buffer.from([0x76, 0xff])))), '(malformed)');
  assert.equal(read(checksUser(delimited(LOGIN_NAME, '\ufeffvictim'))), '\ufeffvictim');
});

test('attack: a number above the bits of its field is the number that the decoder has', () => {
  const path = '/zitadel.user.v2.UserService/ListUsers';
  const limit = (value: number | bigint): string | undefined =>
    fieldIn({
      type: 'application/proto',
      path,
      field: 'query.limit',
      body: delimited(1, Buffer.concat([varint(16), varint(value)])),
    });
  const offset = (value: number | bigint): string | undefined =>
    fieldIn({
      type: 'application/proto',
      path,
      field: 'query.offset',
      body: delimited(1, Buffer.concat([varint(8), varint(value)])),
    });
  assert.equal(limit(5), '5');
  assert.equal(limit((1n << 32n) + 5n), '5');
  assert.equal(limit(0), undefined);
  assert.equal(offset((1n << 32n) + 5n), '4294967301');
  assert.equal(offset(-1n), '18446744073709551615');
});

test('gRPC and gRPC-Web: the first frame counts, a second one does not', () => {
  const [first, second] = [frame(checksUser(victim)), frame(checksUser(delimited(LOGIN_NAME, 'decoy')))];
  for (const type of [
    'application/grpc',
    'application/grpc+proto',
    'application/grpc-web',
    'application/grpc-web+proto; x=y',
  ]) {
    assert.equal(fieldIn({ type, body: Buffer.concat([first, second]) }), 'victim', type);
    assert.equal(fieldIn({ type, body: first, complete: false }), 'victim', type);
    assert.equal(fieldIn({ type, body: first.subarray(0, -1) }), '(malformed)', type);
    assert.equal(fieldIn({ type, body: first.subarray(0, 4) }), '(malformed)', type);
  }
});

test('attack: an empty first frame, unknown flags, or a content type that only resembles gRPC', () => {
  const message = checksUser(victim);
  assert.equal(
    fieldIn({ type: 'application/grpc', body: Buffer.concat([frame(Buffer.alloc(0)), frame(message)]) }),
    undefined,
  );
  for (const flags of [2, 0x80, 0xff]) {
    assert.equal(fieldIn({ type: 'application/grpc', body: frame(message, flags) }), '(malformed)');
  }
  for (const type of ['application/grpcproto', 'application/grpc+thrift', 'application/octet-stream', '']) {
    assert.equal(fieldIn({ type, body: frame(message) }), '(malformed)', type);
    assert.equal(fieldIn({ type, body: message }), '(malformed)', type);
  }
});

test('attack: a key hidden by compression is read; a bomb, a wrong or a missing encoding is malformed', () => {
  const message = checksUser(victim);
  const grpc = (body: Uint8Array, compression?: string, flags = 1): string | undefined =>
    fieldIn({ type: 'application/grpc', body: frame(body, flags), ...(compression !== undefined && { compression }) });
  assert.equal(grpc(gzipSync(message), 'gzip'), 'victim');
  assert.equal(grpc(gzipSync(message), ' GZIP '), 'victim');
  assert.equal(grpc(deflateSync(message), 'deflate'), 'victim');
  assert.equal(grpc(message, 'gzip', 0), 'victim');
  assert.equal(
    grpc(Buffer.concat([gzipSync(message.subarray(0, 4)), gzipSync(message.subarray(4))]), 'gzip'),
    'victim',
  );
  assert.equal(grpc(message), '(malformed)');
  assert.equal(grpc(message, 'identity'), '(malformed)');
  assert.equal(grpc(gzipSync(message), 'snappy'), '(malformed)');
  assert.equal(grpc(gzipSync(message).subarray(0, -9), 'gzip'), '(malformed)');
  assert.equal(
    grpc(gzipSync(Buffer.concat([message, delimited(900, Buffer.alloc(10_000_000))])), 'gzip'),
    '(malformed)',
  );
  assert.equal(fieldIn({ type: 'application/proto', compression: 'gzip', body: gzipSync(message) }), 'victim');
  assert.equal(fieldIn({ type: 'application/proto', compression: 'identity', body: message }), 'victim');
  assert.equal(fieldIn({ type: 'application/proto', compression: 'identity', body: gzipSync(message) }), '(malformed)');
});

test('attack: base64 in pieces is read whole; other alphabets, stray characters and half quanta are not', () => {
  const bytes = frame(checksUser(delimited(LOGIN_NAME, '>>>???victim')));
  const web = (body: string): string | undefined => fieldIn({ type: 'application/grpc-web-text', body });
  const text = bytes.toString('base64');
  const pieces = [bytes.subarray(0, 4), bytes.subarray(4, 9), bytes.subarray(9)].map((part) => part.toString('base64'));
  assert.equal(web(text), '>>>???victim');
  assert.equal(web(pieces.join('')), '>>>???victim');
  assert.equal(web(`${text.slice(0, 8)}\r\n${text.slice(8)}`), '>>>???victim');
  assert.match(text, /[+/]/);
  assert.equal(web(text.replaceAll('+', '-').replaceAll('/', '_')), '(malformed)');
  assert.equal(web(`${text.slice(0, 5)}!${text.slice(5)}`), '(malformed)');
  assert.equal(web(`${text.slice(0, 6)}=${text.slice(6)}`), '(malformed)');
  assert.equal(web('===='), '(malformed)');
  assert.equal(fieldIn({ type: 'application/grpc-web-text', body: text, complete: false }), '(malformed)');
});
