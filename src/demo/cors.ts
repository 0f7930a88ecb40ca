import type { OutgoingHttpHeaders } from 'node:http';
import type { Visit } from './visit.ts';

/** A set of rules in the manner of the Go library rs/cors, with every origin allowed and credentials. */
export interface CorsRules {
  readonly methods: readonly string[];
  readonly requestHeaders: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAgeS?: number;
}

const FIRST_EIGHT = [
  'origin',
  'content-type',
  'accept',
  'accept-language',
  'authorization',
  'x-zitadel-orgid',
  'x-user-agent',
  'x-grpc-web',
];

/** RPC and REST (ZITADEL internal/api/http/middleware/cors_interceptor.go). */
export const API_CORS: CorsRules = {
  methods: ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  requestHeaders: [
    ...FIRST_EIGHT,
    'x-requested-with',
    'connect-protocol-version',
    'connect-timeout-ms',
    'grpc-timeout',
  ],
  exposed: ['Location', 'Content-Length', 'Grpc-Status', 'Grpc-Message', 'Grpc-Status-Details-Bin'],
};

/** gRPC-Web of the v1 services (ZITADEL internal/api/api.go, with the preflight age of improbable-eng/grpc-web). */
export const GRPC_WEB_V1_CORS: CorsRules = {
  methods: ['HEAD', 'GET', 'POST'],
  requestHeaders: FIRST_EIGHT,
  exposed: [],
  maxAgeS: 600,
};

/** OpenID Connect (zitadel/oidc pkg/op). */
export const OIDC_CORS: CorsRules = {
  methods: ['GET', 'HEAD', 'POST'],
  requestHeaders: ['origin', 'accept', 'accept-language', 'authorization', 'content-type', 'x-requested-with'],
  exposed: ['Location', 'Content-Length'],
};

/** Whether a request is a CORS preflight. */
export function isPreflight(visit: Visit): boolean {
  return visit.method === 'OPTIONS' && visit.header('access-control-request-method') !== '';
}

/** Answers a preflight; one that asks for too much gets a 204 without the headers that would allow it. */
export function answerPreflight(visit: Visit, rules: CorsRules) {
  const origin = visit.header('origin');
  const method = visit.header('access-control-request-method').toUpperCase();
  const asked = visit.header('access-control-request-headers');
  const names = asked
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const allowed =
    origin !== '' && rules.methods.includes(method) && names.every((name) => rules.requestHeaders.includes(name));
  const vary = { vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers' };
  if (!allowed) return visit.send(204, vary);
  const headers: OutgoingHttpHeaders = {
    ...vary,
    'access-control-allow-origin': origin,
    'access-control-allow-methods': method,
    'access-control-allow-credentials': 'true',
  };
  if (asked !== '') headers['access-control-allow-headers'] = asked;
  if (rules.maxAgeS !== undefined) headers['access-control-max-age'] = String(rules.maxAgeS);
  visit.send(204, headers);
}

/** The headers of an answer that is no preflight. */
export function corsHeaders(visit: Visit, rules: CorsRules): OutgoingHttpHeaders {
  const origin = visit.header('origin');
  if (origin === '') return { vary: 'Origin' };
  const headers: OutgoingHttpHeaders = {
    vary: 'Origin',
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
  };
  if (rules.exposed.length > 0) headers['access-control-expose-headers'] = rules.exposed.join(', ');
  return headers;
}
