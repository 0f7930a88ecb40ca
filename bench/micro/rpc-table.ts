/**
 * What it costs to find the RPC of a request and a field of its message. No path twice in a row, so that the last answer
 * is of no use.
 */

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import { CreateSessionRequestSchema } from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import { fieldOf, messageField } from '../../src/rpc/message-field.ts';
import { rpcPattern } from '../../src/rpc/pattern.ts';
import { ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';
import { type Case, inTurn, measured } from './case.ts';

const LOGIN_NAME = 'someone@example.com';
const message = create(CreateSessionRequestSchema, {
  checks: {
    user: { search: { case: 'loginName', value: LOGIN_NAME } },
    password: { password: 'a password of usual length' },
  },
});
const binary = Buffer.from(toBinary(CreateSessionRequestSchema, message));
const json = Buffer.from(toJsonString(CreateSessionRequestSchema, message));
const frame = (payload: Buffer, flags: number): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
};
const call = ZITADEL_RPCS.find('POST', '/zitadel.session.v2.SessionService/CreateSession')!;
const field = fieldOf(call.rpc!, 'checks.user.login_name')!;

function finding(name: string, by: 'rpc' | 'rest' | undefined, ...paths: [string, string][]): Case {
  const next = inTurn(paths);
  return measured(
    name,
    () => {
      const [method, path] = next();
      return ZITADEL_RPCS.find(method, path);
    },
    (found) => assert.equal(found?.by, by),
  );
}
function reading(name: string, contentType: string, bytes: Buffer, compression?: string): Case {
  return measured(
    name,
    () => messageField(call, field, { contentType, compression, bytes, complete: true, maxBytes: 65_536 }, undefined),
    (value) => assert.equal(value, LOGIN_NAME),
  );
}
const pattern = rpcPattern('zitadel.*/Delete*');

export const cases: readonly Case[] = [
  finding('find by RPC', 'rpc', ['POST', `/${call.name}`], ['POST', '/zitadel.user.v2.UserService/ListUsers']),
  finding(
    'find by REST, two variables',
    'rest',
    ['POST', '/v2/users/312345678901234567/passkeys/8'],
    ['DELETE', '/management/v1/users/312345678901234567/metadata/key'],
  ),
  finding('find what is no RPC', undefined, ['GET', '/ui/console/main.js'], ['GET', '/oauth/v2/authorize']),
  measured(
    'match a pattern',
    () => pattern('zitadel.user.v2.UserService/DeleteUser'),
    (matches) => assert.equal(matches, true),
  ),
  reading('field of protobuf', 'application/grpc', frame(binary, 0)),
  reading('field of JSON', 'application/json', json),
  reading('field of gzip', 'application/grpc', frame(gzipSync(binary), 1), 'gzip'),
];
