// What the readers say against what a decoder of whole messages has of the same bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type DescMessage, fromBinary, fromJsonString, toBinary, toJsonString } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import {
  type CreateSessionRequest,
  CreateSessionRequestSchema,
} from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import fc from 'fast-check';
import { checksUser, delimited, fieldIn, frame, varint } from './written.ts';

// A byte order mark is dropped by that decoder and kept by ZITADEL's.
const text = fc
  .string({ unit: 'binary', maxLength: 12 })
  .filter((one) => one.isWellFormed() && !one.includes('\ufeff'));
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const requests: fc.Arbitrary<CreateSessionRequest> = fc
  .record({
    login: maybe(text),
    userId: maybe(text),
    password: maybe(text),
    otp: maybe(text),
    agent: maybe(fc.record({ ip: maybe(text), description: maybe(text) })),
    metadata: fc.dictionary(text, fc.uint8Array({ maxLength: 5 }), { maxKeys: 3 }),
  })
  .map(({ login, userId, password, otp, agent, metadata }) => {
    const search =
      login !== undefined
        ? ({ case: 'loginName', value: login } as const)
        : userId !== undefined
          ? ({ case: 'userId', value: userId } as const)
          : undefined;
    return create(CreateSessionRequestSchema, {
      checks: {
        ...(search !== undefined && { user: { search } }),
        ...(password !== undefined && { password: { password } }),
        ...(otp !== undefined && { otpSms: { code: otp } }),
      },
      ...(agent !== undefined && { userAgent: agent as never }),
      metadata: metadata as never,
    });
  });

const READ: Readonly<Record<string, (request: CreateSessionRequest) => string | undefined>> = {
  'checks.user.login_name': ({ checks }) => pick(checks?.user?.search, 'loginName'),
  'checks.user.userId': ({ checks }) => pick(checks?.user?.search, 'userId'),
  'checks.password.password': ({ checks }) => checks?.password?.password,
  'checks.otpSms.code': ({ checks }) => checks?.otpSms?.code,
  'user_agent.ip': ({ userAgent }) => userAgent?.ip,
};
const pick = (
  search: { case: string | undefined; value?: string | undefined } | undefined,
  name: string,
): string | undefined => (search?.case === name ? search.value : undefined);

/** The decoder says so of bytes; the reader says the same, or `(malformed)` where it may. */
function same(type: string, body: Uint8Array | string, request: CreateSessionRequest, strict: boolean): void {
  for (const [field, expected] of Object.entries(READ)) {
    const value = fieldIn({ type, body, field });
    if (!strict && value === '(malformed)') continue;
    assert.equal(value, expected(request) || undefined, field);
  }
}

test('what was encoded is read back: protobuf and JSON, in every dialect', () => {
  fc.assert(
    fc.property(requests, fc.boolean(), (request, useProtoFieldName) => {
      const bytes = toBinary(CreateSessionRequestSchema, request);
      same('application/proto', bytes, request, true);
      same('application/grpc', frame(bytes), request, true);
      same('application/grpc-web-text', frame(bytes).toString('base64'), request, true);
      const json = toJsonString(CreateSessionRequestSchema, request, { useProtoFieldName });
      same('application/json', json, request, true);
      same('application/grpc+json', frame(Buffer.from(json)), request, true);
    }),
  );
});

test('attack: encodings put one after another are read as the decoder merges them', () => {
  fc.assert(
    fc.property(fc.array(requests, { minLength: 2, maxLength: 4 }), (parts) => {
      const bytes = Buffer.concat(parts.map((part) => toBinary(CreateSessionRequestSchema, part)));
      same('application/proto', bytes, fromBinary(CreateSessionRequestSchema, bytes), false);
    }),
  );
});

/** Fields of a message that an encoder would not write so: unknown ones, longer forms, empty parts, repetitions. */
const spare = fc.nat({ max: 4 });
const long = (number: number, content: Uint8Array, more: number): Buffer =>
  Buffer.concat([varint((number << 3) | 2, more), varint(content.length, more), content]);
const unknown = fc.oneof(
  fc.tuple(fc.integer({ min: 100, max: 2 ** 20 }), text).map(([number, value]) => delimited(number, value)),
  fc
    .tuple(fc.integer({ min: 100, max: 2 ** 20 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
    .map(([number, value]) => Buffer.concat([varint(number << 3), varint(value)])),
  fc
    .integer({ min: 100, max: 2 ** 20 })
    .map((number) => Buffer.concat([varint((number << 3) | 5), Buffer.alloc(4, 9)])),
  text.map((value) => Buffer.concat([varint((200 << 3) | 3), delimited(2, value), varint((200 << 3) | 4)])),
);
const fields = (known: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc.array(fc.oneof({ weight: 3, arbitrary: known }, unknown), { maxLength: 5 }).map((parts) => Buffer.concat(parts));
const field = (number: number, content: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> =>
  fc.tuple(content, spare).map(([bytes, more]) => long(number, bytes, more));
const texts = text.map((one) => Buffer.from(one));
const user = fields(fc.oneof({ weight: 3, arbitrary: field(2, texts) }, field(1, texts)));
const checks = fields(fc.oneof({ weight: 3, arbitrary: field(1, user) }, field(2, fields(field(1, texts)))));
const wires = fields(fc.oneof({ weight: 3, arbitrary: field(1, checks) }, field(4, fields(field(2, texts)))));

test('attack: fields in any order, twice, split, in longer forms and among unknown ones', () => {
  let told = 0;
  fc.assert(
    fc.property(wires, (bytes) => {
      same('application/proto', bytes, fromBinary(CreateSessionRequestSchema, bytes), false);
      if (fieldIn({ type: 'application/proto', body: bytes }) !== '(malformed)') told += 1;
    }),
    { numRuns: 1000 },
  );
  assert.ok(told > 500, `only ${told} could be told`);
});

/** Throws where an entry of a map ends within a field. That decoder reads on behind its end. */
function skipAll(bytes: Uint8Array): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    reader.skip(wire, number);
  }
}

/** Whether each known field has its wire type. That decoder reads others all the same, ZITADEL's skips them. */
function asDeclared(desc: DescMessage, bytes: Uint8Array): boolean {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const known = desc.fields.find((one) => one.number === number);
    if (known === undefined) reader.skip(wire, number);
    else {
      const delimitedKind =
        known.fieldKind !== 'enum' && !(known.fieldKind === 'scalar' && ![9, 12].includes(known.scalar));
      if (wire !== (delimitedKind ? 2 : 0)) return false;
      if (wire === 0) reader.skip(wire, number);
      else {
        const inner = reader.bytes();
        if (known.fieldKind === 'message' && !asDeclared(known.message, inner)) return false;
        if (known.fieldKind === 'map') skipAll(inner);
      }
    }
  }
  return true;
}

test('attack: changed bytes are read as the decoder reads them, or not at all', () => {
  const change = fc.tuple(fc.nat(), fc.nat({ max: 127 }), fc.constantFrom('set', 'set', 'insert', 'remove'));
  const start = fc.oneof(
    wires,
    requests.map((request) => toBinary(CreateSessionRequestSchema, request)),
  );
  let compared = 0;
  fc.assert(
    fc.property(start, fc.array(change, { minLength: 1, maxLength: 2 }), (before, changes) => {
      const bytes = [...before];
      for (const [at, byte, how] of changes) {
        bytes.splice(at % (bytes.length + 1), how === 'insert' ? 0 : 1, ...(how === 'remove' ? [] : [byte]));
      }
      const body = Buffer.from(bytes);
      let decoded: CreateSessionRequest;
      try {
        decoded = fromBinary(CreateSessionRequestSchema, body);
        if (!asDeclared(CreateSessionRequestSchema, body)) return;
      } catch {
        return;
      }
      if (Object.values(READ).some((read) => /[\ufeff\ufffd]/.test(read(decoded) ?? ''))) return;
      compared += 1;
      same('application/proto', body, decoded, false);
    }),
    { numRuns: 3000 },
  );
  assert.ok(compared > 50, `only ${compared} could be compared`);
});

test('attack: changed JSON is read as the decoder reads it, or not at all', () => {
  const piece = fc.constantFrom(
    '"',
    '{',
    '}',
    ':',
    ',',
    'null',
    '"loginName":"x",',
    '"login_name":"x",',
    '\\',
    ' ',
    '"checks":{},',
    '0',
  );
  fc.assert(
    fc.property(requests, fc.nat(), piece, fc.nat({ max: 3 }), (request, place, inserted, removed) => {
      const json = toJsonString(CreateSessionRequestSchema, request);
      const at = place % (json.length + 1);
      const body = json.slice(0, at) + inserted + json.slice(at + removed);
      if (!body.isWellFormed()) return;
      let decoded: CreateSessionRequest;
      try {
        decoded = fromJsonString(CreateSessionRequestSchema, body, { ignoreUnknownFields: true });
      } catch {
        return;
      }
      same('application/json', body, decoded, false);
    }),
    { numRuns: 3000 },
  );
});

test('whatever the bytes, nothing is thrown', () => {
  const types = fc.constantFrom(
    'application/proto',
    'application/grpc',
    'application/grpc-web-text',
    'application/json',
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      types,
      fc.constantFrom('gzip', 'deflate', 'identity', 'br', ''),
      (body, type, compression) => {
        fieldIn({ body, type, compression });
        fieldIn({ body: frame(body, 1), type, compression });
        fieldIn({ body: checksUser(body), type: 'application/proto' });
      },
    ),
    { numRuns: 2000 },
  );
});
