/** Makes of a scenario's request what is sent: fields and a body. */

import type { AnswerForm, PlannedRequest } from './plan.ts';
import { lengthPrefixed, type ProtoFields, protoMessage } from './proto-message.ts';
import type { ScenarioRequest } from './scenario.ts';

const CONTENT_TYPES = {
  grpc: 'application/grpc',
  'grpc-web': 'application/grpc-web+proto',
  'grpc-web-text': 'application/grpc-web-text',
  connect: 'application/proto',
} as const;

/** What protocols say besides the content type. */
const PROTOCOL_FIELDS: Readonly<Record<keyof typeof CONTENT_TYPES, readonly string[]>> = {
  grpc: ['te', 'trailers'],
  'grpc-web': ['x-grpc-web', '1'],
  'grpc-web-text': ['x-grpc-web', '1', 'accept', 'application/grpc-web-text'],
  connect: ['connect-protocol-version', '1'],
};

/** The request. `extra`: fields of every request, as names and values in turn; they win over those of the scenario. */
export function planned(request: ScenarioRequest, extra: readonly string[]): PlannedRequest {
  const { rpc, form, json, expect } = request;
  const fields = new Map<string, string>();
  let body: Buffer | undefined;
  if (rpc !== undefined) {
    const message = protoMessage(request.message as ProtoFields);
    fields.set('content-type', CONTENT_TYPES[rpc]);
    for (let i = 0; i < PROTOCOL_FIELDS[rpc].length; i += 2) {
      fields.set(PROTOCOL_FIELDS[rpc][i]!, PROTOCOL_FIELDS[rpc][i + 1]!);
    }
    if (rpc === 'connect') body = message;
    else if (rpc === 'grpc-web-text') body = Buffer.from(lengthPrefixed(message).toString('base64'), 'latin1');
    else body = lengthPrefixed(message);
  } else if (form !== undefined) {
    fields.set('content-type', 'application/x-www-form-urlencoded');
    body = Buffer.from(new URLSearchParams(form).toString());
  } else if (json !== undefined) {
    fields.set('content-type', 'application/json');
    body = Buffer.from(JSON.stringify(json));
  }
  for (const [name, value] of Object.entries(request.headers)) fields.set(name.toLowerCase(), value);
  for (let i = 0; i < extra.length; i += 2) fields.set(extra[i]!.toLowerCase(), extra[i + 1]!);
  if (body !== undefined) fields.set('content-length', String(body.length));
  const answer: AnswerForm = rpc ?? 'http';
  return {
    name: request.name ?? request.path,
    weight: request.weight,
    thinkMs: request.think_ms,
    method: body === undefined ? request.method : 'POST',
    path: request.path,
    fields: [...fields].flat(),
    body,
    expectation: {
      form: answer,
      statuses: expect.status,
      grpcStatus: String(expect.grpc_status),
      messages: expect.messages ?? (rpc === undefined || expect.grpc_status !== 0 ? undefined : 1),
      digest: undefined,
    },
  };
}

/** The same request with other fields. */
export function withFields(request: PlannedRequest, fields: Readonly<Record<string, string>>): PlannedRequest {
  const all = new Map<string, string>();
  for (let i = 0; i < request.fields.length; i += 2) all.set(request.fields[i]!, request.fields[i + 1]!);
  for (const [name, value] of Object.entries(fields)) all.set(name, value);
  return { ...request, fields: [...all].flat() };
}
