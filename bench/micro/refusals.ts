/** What it costs to say no: in each dialect, with the limit that was met, as somebody is told who asks too often. */

import assert from 'node:assert/strict';
import { GatewayError } from '../../src/core/errors.ts';
import type { Refusal, RefusalContext, RefusalForm, RequestHead } from '../../src/core/exchange.ts';
import { dialectOf } from '../../src/dialects/index.ts';
import { type Case, measured } from './case.ts';

const CALL = '/zitadel.user.v2.UserService/ListUsers';
const quotas = [{ rule: 'api-address', quota: 600, windowS: 60, remaining: 0, resetS: 3 }];
const refused = (): GatewayError =>
  new GatewayError('TOO_MANY_REQUESTS', { rule: 'api-address', detail: 'address', retryAfterS: 3, quotas });
const error = refused();

function headOf(contentType: string, path: string, more: Record<string, string> = {}): RequestHead {
  const method = contentType === '' ? 'GET' : 'POST';
  return { method, path, contentType, httpVersionMajor: 2, headers: { 'content-type': contentType, ...more } };
}

const says = (text: string) => (body: Refusal['body']) =>
  assert.ok(String(body).includes(text), `no ${text} in ${body}`);
const ORIGIN = { origin: 'https://id.example.com' };
const COMES_BACK = 3000;

interface Form {
  readonly head: RequestHead;
  readonly form?: RefusalForm;
  readonly status: number;
  readonly body: (body: Refusal['body']) => void;
}

const FORMS: Record<string, Form> = {
  // RESOURCE_EXHAUSTED is 8.
  grpc: { head: headOf('application/grpc', CALL), status: 200, body: (body) => assert.equal(body, null) },
  'grpc-web': { head: headOf('application/grpc-web+proto', CALL, ORIGIN), status: 200, body: says('grpc-status: 8') },
  'grpc-web, text': {
    head: headOf('application/grpc-web-text', CALL, ORIGIN),
    status: 200,
    body: (body) => says('grpc-status: 8')(Buffer.from(String(body), 'base64')),
  },
  'connect, unary': { head: headOf('application/json', CALL, ORIGIN), status: 429, body: says('resource_exhausted') },
  'connect, stream': { head: headOf('application/connect+json', CALL), status: 200, body: says('resource_exhausted') },
  'http, REST': {
    head: headOf('application/json', '/management/v1/users', ORIGIN),
    status: 429,
    body: says('QuotaFailure'),
  },
  'http, OAuth': {
    head: headOf('application/x-www-form-urlencoded', '/oauth/v2/token'),
    form: 'oauth',
    status: 429,
    body: says('error_description'),
  },
  'http, SCIM': {
    head: headOf('application/scim+json', '/scim/v2/1/Users'),
    form: 'scim',
    status: 429,
    body: says('429'),
  },
  'http, page': {
    head: headOf('', '/ui/login/login', {
      accept: 'text/html',
      'sec-fetch-dest': 'document',
      'sec-fetch-mode': 'navigate',
    }),
    form: 'html',
    status: 429,
    body: says('<html'),
  },
  'http, text': { head: headOf('', '/debug/healthz'), form: 'text', status: 429, body: says('request id') },
};

export const cases: readonly Case[] = [
  measured('the error itself', refused, ({ code, row }) => {
    assert.equal(code, 'TOO_MANY_REQUESTS');
    assert.equal(row.http, 429);
  }),
  measured(
    'the dialect of a request',
    () => dialectOf(FORMS['http, REST']!.head),
    (dialect) => assert.equal(dialect.name, 'http'),
  ),
  ...Object.entries(FORMS).map(([name, { head, form = 'rest', status, body }]) => {
    const dialect = dialectOf(head);
    const context: RefusalContext = { error, requestId: '7d1b8a1e-6f0a-4e7d-9c1b-2f6a3b4c5d6e', head, form };
    return measured(
      name,
      () => dialect.refuse(context),
      (refusal) => {
        assert.equal(dialect.name, name.split(',')[0]);
        assert.equal(refusal.status, status);
        assert.equal(refusal.headers['x-request-id'], context.requestId);
        assert.ok(Number(refusal.headers['retry-after']) * 1000 >= COMES_BACK);
        if (dialect.name === 'grpc') assert.equal(refusal.headers['grpc-status'], '8');
        body(refusal.body);
      },
    );
  }),
];
