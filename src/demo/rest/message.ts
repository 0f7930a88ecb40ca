import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Match } from './table.ts';

type JsonObject = { [key: string]: JsonValue };

/** Builds the request message of a REST call from its path, query and body, as grpc-gateway does. */
export function requestMessage(match: Match, query: URLSearchParams, body: string): Message {
  const { binding, values } = match;
  const schema = binding.method.input;
  const json = bodyOf(schema, binding.body, body);
  // With a whole-message body grpc-gateway does not look at the query.
  if (binding.body !== '*') {
    for (const [name, value] of query) assign(json, schema, name.split('.'), value, true);
  }
  for (const [i, name] of binding.fields.entries()) assign(json, schema, name.split('.'), values[i] ?? '', false);
  try {
    return fromJson(schema, json, { ignoreUnknownFields: true });
  } catch (error) {
    throw new ConnectError(`invalid request: ${(error as Error).message}`, Code.InvalidArgument);
  }
}

function bodyOf(schema: DescMessage, field: string, body: string): JsonObject {
  if (field === '' || body.trim() === '') return {};
  let json: JsonValue;
  try {
    json = JSON.parse(body) as JsonValue;
  } catch (error) {
    throw new ConnectError(`proto: syntax error: ${(error as Error).message}`, Code.InvalidArgument);
  }
  if (field !== '*') return { [fieldOf(schema, field)?.jsonName ?? field]: json };
  if (json === null || typeof json !== 'object' || Array.isArray(json)) {
    throw new ConnectError('proto: syntax error: unexpected token', Code.InvalidArgument);
  }
  return json;
}

/** Sets a field named by its path, `query.limit` for example. What the message does not have is left out. */
function assign(json: JsonObject, schema: DescMessage, path: readonly string[], text: string, repeats: boolean) {
  const field = fieldOf(schema, path[0]!);
  if (!field) return;
  // The body may have named the field either way; one name has to stay.
  if (field.name !== field.jsonName && field.name in json) {
    json[field.jsonName] = json[field.name]!;
    delete json[field.name];
  }
  if (path.length > 1) {
    if (field.fieldKind !== 'message') return;
    json[field.jsonName] ??= {};
    return assign(json[field.jsonName] as JsonObject, field.message, path.slice(1), text, repeats);
  }
  const value = jsonOf(field, text);
  if (field.fieldKind !== 'list') json[field.jsonName] = value;
  else json[field.jsonName] = [...(repeats ? ((json[field.jsonName] as JsonValue[] | undefined) ?? []) : []), value];
}

function jsonOf(field: DescField, text: string): JsonValue {
  const isBool = (field.fieldKind === 'scalar' || field.fieldKind === 'list') && field.scalar === ScalarType.BOOL;
  if (isBool) return text === 'true' || text === '1' || text === 't';
  const isEnum = field.fieldKind === 'enum' || (field.fieldKind === 'list' && field.listKind === 'enum');
  return isEnum && /^\d+$/.test(text) ? Number(text) : text;
}

function fieldOf(schema: DescMessage, name: string): DescField | undefined {
  return schema.fields.find((field) => field.name === name || field.jsonName === name);
}
