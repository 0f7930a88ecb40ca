/**
 * What it costs to find the RPC of a request and a field of its message: `node bench/micro/rpc-table.ts`. The best
 * of interleaved rounds, which others on the machine disturb least; no path twice in a row, so that the last answer is
 * of no use.
 */

import { gzipSync } from 'node:zlib';
import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import { CreateSessionRequestSchema } from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import { fieldOf, messageField } from '../../src/rpc/message-field.ts';
import { rpcPattern } from '../../src/rpc/pattern.ts';
import { ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';

const TIMES = 100_000;
const ROUNDS = 9;

const message = create(CreateSessionRequestSchema, {
  checks: {
    user: { search: { case: 'loginName', value: 'someone@example.com' } },
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

const finding = (...paths: [string, string][]) => {
  let next = 0;
  return () => {
    next = (next + 1) % paths.length;
    const [method, path] = paths[next]!;
    ZITADEL_RPCS.find(method, path);
  };
};
const reading = (contentType: string, bytes: Buffer, compression?: string) => () =>
  messageField(call, field, { contentType, compression, bytes, complete: true, maxBytes: 65_536 }, undefined);
const pattern = rpcPattern('zitadel.*/Delete*');

const measured: Record<string, () => unknown> = {
  'find by RPC': finding(['POST', `/${call.name}`], ['POST', '/zitadel.user.v2.UserService/ListUsers']),
  'find by REST, two variables': finding(
    ['POST', '/v2/users/312345678901234567/passkeys/8'],
    ['DELETE', '/management/v1/users/312345678901234567/metadata/key'],
  ),
  'find what is no RPC': finding(['GET', '/ui/console/main.js'], ['GET', '/oauth/v2/authorize']),
  'match a pattern': () => pattern('zitadel.user.v2.UserService/DeleteUser'),
  'field of protobuf': reading('application/grpc', frame(binary, 0)),
  'field of JSON': reading('application/json', json),
  'field of gzip': reading('application/grpc', frame(gzipSync(binary), 1), 'gzip'),
};
const rounds: Record<string, number[]> = {};
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const [name, run] of Object.entries(measured)) {
    const times = name === 'field of gzip' ? TIMES / 50 : TIMES;
    const started = process.hrtime.bigint();
    for (let i = 0; i < times; i += 1) run();
    // The first round warms up.
    const took = Number(process.hrtime.bigint() - started) / times;
    if (round > 0) rounds[name] = [...(rounds[name] ?? []), took];
  }
}
for (const [name, values] of Object.entries(rounds)) {
  console.log(`${name}: ${Math.min(...values).toFixed(0)} ns`);
}
