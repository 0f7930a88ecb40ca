/** Requests as the readers of fields get them. */

import { type FieldOf, fieldOf, messageField } from '../../src/rpc/message-field.ts';
import { MALFORMED } from '../../src/rpc/protobuf-field.ts';
import { type RpcCall, ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';

const CREATE_SESSION = '/zitadel.session.v2.SessionService/CreateSession';

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly field?: string;
  readonly type?: string;
  readonly compression?: string;
  readonly body?: string | Uint8Array;
  readonly complete?: boolean;
  readonly query?: string;
}

/** The text of a field of a request, undefined, or `(malformed)`. */
export function fieldIn(asked: Asked): string | undefined {
  const { method = 'POST', path = CREATE_SESSION, type = 'application/json', complete = true } = asked;
  const [call, field] = fieldAt(method, path, asked.field ?? 'checks.user.login_name');
  const bytes = Buffer.from(asked.body ?? '');
  const written = { contentType: type, compression: asked.compression, bytes, complete, maxBytes: 65_536 };
  const value = messageField(call, field, written, asked.query);
  return value === MALFORMED ? '(malformed)' : value;
}

/** The call that a request is, and a field of its message. */
function fieldAt(method: string, path: string, name: string): [RpcCall, FieldOf] {
  const call = ZITADEL_RPCS.find(method, path);
  const field = call?.rpc === undefined ? undefined : fieldOf(call.rpc, name);
  if (call === undefined || field === undefined) throw new Error(`${method} ${path} has no ${name}`);
  return [call, field];
}

/** A frame of gRPC, gRPC-Web or a Connect stream. */
export function frame(payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

/** A field with a length on the wire. */
export function delimited(number: number, content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

/** A number on the wire; `spare` bytes longer than it has to be. */
export function varint(value: number | bigint, spare = 0): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  while (left > 0x7fn) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  bytes.push(Number(left));
  for (let i = 0; i < spare; i += 1) {
    bytes[bytes.length - 1]! |= 0x80;
    bytes.push(0);
  }
  return Buffer.from(bytes);
}

/** A CreateSessionRequest whose checks.user are these bytes. */
export const checksUser = (...user: Uint8Array[]): Buffer => delimited(1, delimited(1, Buffer.concat(user)));
