/** Reads a field of the message of a request, however the request is written. */

import { type FieldPath, fieldPath } from './field-path.ts';
import { jsonField } from './json-field.ts';
import { codingOf, messageBytes, type Written } from './message-bytes.ts';
import { MALFORMED, protobufField } from './protobuf-field.ts';
import type { Rpc, RpcCall } from './rpc-table.ts';

/** A field of one RPC's message. */
export interface FieldOf {
  readonly path: FieldPath;
  /** As REST paths and queries name it: `checks.user.login_name` and `checks.user.loginName`. */
  readonly names: readonly string[];
}

/** The field of an RPC's request at a path; undefined where its message has none. */
export function fieldOf(rpc: Rpc, path: string): FieldOf | undefined {
  const found = fieldPath(rpc.input, path);
  if (found === undefined) return undefined;
  const names = [found.map(({ name }) => name).join('.'), found.map(({ jsonName }) => jsonName).join('.')];
  return { path: found, names: [...new Set(names)] };
}

/** Whether the field may be in the body of a call. */
export function inBody({ by, variables, body }: RpcCall, { names, path }: FieldOf): boolean {
  if (by === 'rpc') return true;
  if (names.some((name) => variables.has(name))) return false;
  return body === '*' || body === path[0]!.name || body === path[0]!.jsonName;
}

/**
 * The field as text: of the variables of a REST path, the body, or the query; undefined where it is not set, MALFORMED
 * where it cannot be told. `query` is the raw query of the request target.
 */
export function messageField(
  call: RpcCall,
  field: FieldOf,
  written: Written,
  query: string | undefined,
): string | undefined | typeof MALFORMED {
  const { path, names } = field;
  if (call.by === 'rpc') {
    const bytes = messageBytes(written);
    if (bytes === MALFORMED) return MALFORMED;
    const json = codingOf(written.contentType)?.json === true;
    // An empty body of a Connect call in JSON is a message without fields.
    if (json) return bytes.length === 0 ? undefined : jsonField(bytes.toString('utf8'), path);
    return protobufField(bytes, path);
  }
  for (const name of names) {
    const value = call.variables.get(name);
    if (value !== undefined) return value;
  }
  if (inBody(call, field)) {
    if (!written.complete) return MALFORMED;
    if (written.bytes.length === 0) return undefined;
    return jsonField(written.bytes.toString('utf8'), call.body === '*' ? path : path.slice(1));
  }
  // What neither path nor body has may stand in the query (google.api.HttpRule); a field given twice is nobody's guess.
  const parameters =
    query === undefined ? [] : [...new URLSearchParams(query)].filter(([name]) => names.includes(name));
  if (parameters.length === 0) return undefined;
  return parameters.every(([, value]) => value === parameters[0]![1]) ? parameters[0]![1] : MALFORMED;
}
