/** Reads a field of the message of a request, however the request is written. */

import { type FieldPath, fieldPath } from './field-path.ts';
import { jsonField, jsonFieldBelow } from './json-field.ts';
import { codingOf, messageBytes, type Written } from './message-bytes.ts';
import type { FieldName } from './message-type.ts';
import { MALFORMED, protobufField } from './protobuf-field.ts';
import type { Rpc } from './rpc.ts';
import type { RpcCall } from './rpc-table.ts';
import { writtenNumber } from './whole-number.ts';

/** A field of one RPC's message. */
export interface FieldOf {
  readonly path: FieldPath;
}

/** The field of an RPC's request at a path; undefined where its message has none. */
export function fieldOf(rpc: Rpc, path: string): FieldOf | undefined {
  const found = fieldPath(rpc.input, path);
  return found === undefined ? undefined : { path: found };
}

type Result = string | undefined | typeof MALFORMED;

const FORM = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i;

/**
 * The field as text: of the variables of a REST path, the body, or the query; undefined where it is not set, is empty or
 * zero; MALFORMED where it cannot be told. `query` is the raw query of the request target, without its question mark.
 */
export function messageField(call: RpcCall, { path }: FieldOf, written: Written, query: string | undefined): Result {
  if (call.by === 'rpc') {
    const bytes = messageBytes(written);
    if (bytes === MALFORMED) return MALFORMED;
    if (codingOf(written.contentType)?.json !== true) return protobufField(bytes, path);
    // An empty body of a Connect call in JSON is a message without fields.
    return bytes.length === 0 ? undefined : jsonField(bytes, path);
  }
  const variable = variableOf(call, path);
  const mapped = path[0]!;
  if (call.body === '*') return variable ?? bodyField(written, path, jsonField);
  if (call.body !== '' && (call.body === mapped.name || call.body === mapped.jsonName)) {
    return variable ?? bodyField(written, path, jsonFieldBelow);
  }
  return parameterField(variable, path, written, query);
}

/** The value of a path's variable for the field, which wins over the body. */
function variableOf({ variables }: RpcCall, path: FieldPath): Result {
  for (const [name, value] of variables) if (names(path, name)) return textOf(value, path);
  return undefined;
}

function bodyField(
  { bytes, complete }: Written,
  path: FieldPath,
  read: (bytes: Buffer, path: FieldPath) => Result,
): Result {
  if (!complete) return MALFORMED;
  return bytes.length === 0 ? undefined : read(bytes, path);
}

/**
 * What neither path nor body has may stand in the query (google.api.HttpRule), or in a form: Go's ParseForm makes one of
 * both. Values that differ are nobody's guess: servers take the one or the other, or refuse them.
 */
function parameterField(variable: Result, path: FieldPath, written: Written, query: string | undefined): Result {
  const values = new Set<Result>();
  if (variable !== undefined) values.add(variable);
  const given = query === undefined ? [] : [...new URLSearchParams(query)];
  if (FORM.test(written.contentType)) {
    if (!written.complete) return MALFORMED;
    given.push(...new URLSearchParams(written.bytes.toString('latin1')));
  }
  for (const [name, value] of given) {
    if (names(path, name)) values.add(textOf(value, path));
    else if (value !== '' && rivals(path, name)) values.add(undefined);
  }
  if (values.size > 1) return MALFORMED;
  return [...values][0];
}

/** Whether a name is one of the path, each of whose parts may be in either spelling. */
function names(path: FieldPath, name: string): boolean {
  const parts = name.split('.');
  return parts.length === path.length && path.every((field, i) => called(field, parts[i]!));
}

/** Whether a name is that of a field that unsets the one of the path: of a oneof only one is set. */
function rivals(path: FieldPath, name: string): boolean {
  const parts = name.split('.');
  const at = path.findIndex((field, i) => !called(field, parts[i] ?? ''));
  return at !== -1 && path[at]!.rivals.some((rival) => called(rival, parts[at] ?? ''));
}

const called = ({ name, jsonName }: FieldName, given: string): boolean => given === name || given === jsonName;

function textOf(value: string, path: FieldPath): Result {
  const { whole } = path.at(-1)!;
  if (whole === undefined) return value || undefined;
  if (value === '') return undefined;
  const text = writtenNumber(value, whole);
  return text === '0' ? undefined : (text ?? MALFORMED);
}
