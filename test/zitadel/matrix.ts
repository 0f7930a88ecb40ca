/**
 * The protocol matrix of ZITADEL: what its clients send, and what must come back through any proxy. One table for
 * `npm run test:zitadel` and for the tests of this gateway. Every row is read-only, or refused for want of a token.
 */

import { body, type Check, field, frame, json, status, trailer, turns, type, webTrailer } from './check.ts';
import { type Answer, type Ask, PROTOCOLS, type Protocol } from './talker.ts';

/** One row. */
export interface Row {
  /** Number, and what was added to it. */
  readonly id: string;
  readonly title: string;
  readonly over: readonly Protocol[];
  readonly ask: Ask;
  readonly expect: readonly Check[];
  /** Follows redirects on the same host before it looks at the answer. */
  readonly follow?: boolean;
  /** A connection that breaks is as good as an answer; silence is not. */
  readonly mayBreak?: boolean;
  /** An answer that says that the deployment does not offer this, and may well not. */
  readonly absent?: { readonly when: (answer: Answer) => boolean; readonly why: string };
}

/** Rows over HTTP/1.1 must pass over HTTP/2 too: a browser speaks the one it is offered. */
const BOTH = PROTOCOLS;
const H2: readonly Protocol[] = ['h2'];

const HEALTHZ = '/zitadel.admin.v1.AdminService/Healthz';
const LIST_SESSIONS = '/zitadel.session.v2.SessionService/ListSessions';
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

const grpc = (path: string, codec: 'proto' | 'json', payload = ''): Ask => ({
  path,
  headers: { 'content-type': `application/grpc+${codec}`, te: 'trailers' },
  body: frame(payload),
});
const web = (path: string, suffix: string, content: string | Uint8Array): Ask => ({
  path,
  headers: { 'content-type': `application/grpc-web${suffix}`, 'x-grpc-web': '1' },
  body: content,
});
const call = (contentType: string, content: string, more: Partial<Ask> = {}): Ask => ({
  path: LIST_SESSIONS,
  headers: { 'content-type': contentType },
  body: content,
  ...more,
});
const preflight = (path: string, asked: string): Ask => ({
  path,
  method: 'OPTIONS',
  headers: {
    origin: 'https://app.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': asked,
  },
});
/** ListServices and FileContainingSymbol of grpc.reflection.v1.ServerReflectionRequest, fields 7 and 4. */
const question = (tag: number, value: string) =>
  frame(Buffer.concat([Buffer.from([tag, value.length]), Buffer.from(value)]));

const UNAUTHENTICATED = [status(401), type('application/json'), json('code', 'unauthenticated')];
const REST_UNAUTHENTICATED = [status(401), json('code', 16)];
const CORS = [
  status(200, 204),
  field('access-control-allow-origin', /^(?:https:\/\/app\.example|\*)$/),
  field('access-control-allow-headers', /content-type/i),
];
const SESSIONS: Ask = { path: '/v2/sessions', headers: { 'content-type': 'application/json' }, body: '{}' };
const WITH_TE: Ask = { ...SESSIONS, headers: { ...SESSIONS.headers, te: 'trailers' } };
const page = (path: string): Ask => ({ path, headers: { accept: 'text/html' } });
const HTML = [status(200), type('text/html')];
const closed = (answer: Answer) => answer.status === 403 || answer.status === 404;
const NO_LOGIN_V2 = { when: closed, why: 'no Login v2, or its probes are closed' };

// biome-ignore format: a table is read by its columns
export const MATRIX: readonly Row[] = [
  ...['admin', 'management', 'auth'].map((service): Row => (
    { id: '1', title: `REST health of ${service}`, over: BOTH, ask: { path: `/${service}/v1/healthz` }, expect: [status(200)] })),
  { id: '2', title: 'gRPC-Web, v1 service', over: BOTH, ask: web(HEALTHZ, '+proto', frame()), expect: [status(200), webTrailer(/grpc-status: ?0/i)] },
  { id: '2 text', title: 'gRPC-Web as text, v1 service', over: BOTH, ask: web(HEALTHZ, '-text', frame().toString('base64')), expect: [status(200), webTrailer(/grpc-status: ?0/i)] },
  { id: '2 cors', title: 'preflight of gRPC-Web', over: BOTH, ask: preflight(HEALTHZ, 'content-type,x-grpc-web,x-user-agent'), expect: CORS },
  { id: '3', title: 'gRPC-Web with JSON, v1 service', over: BOTH, ask: web(HEALTHZ, '+json', frame('{}')), expect: [status(200)] },
  { id: '4', title: 'gRPC, v1 service', over: H2, ask: grpc(HEALTHZ, 'proto'), expect: [status(200), trailer('grpc-status', '0')] },
  { id: '5', title: 'gRPC with JSON, v1 service', over: H2, ask: grpc(HEALTHZ, 'json', '{}'), expect: [status(200), trailer('grpc-status')] },
  { id: '6', title: 'REST without a token', over: BOTH, ask: SESSIONS, expect: REST_UNAUTHENTICATED },
  { id: '6 te', title: 'REST error to a client that sends TE', over: BOTH, ask: WITH_TE, expect: REST_UNAUTHENTICATED },
  { id: '7', title: 'Connect with protobuf', over: BOTH, ask: call('application/proto', ''), expect: UNAUTHENTICATED },
  { id: '7 chunked', title: 'the same, length unknown', over: BOTH, ask: call('application/proto', '', { chunked: true }), expect: UNAUTHENTICATED },
  { id: '7 cors', title: 'preflight of Connect', over: BOTH, ask: preflight(LIST_SESSIONS, 'content-type,connect-protocol-version'), expect: CORS },
  { id: '8', title: 'Connect with JSON', over: BOTH, ask: call('application/json', '{}'), expect: UNAUTHENTICATED },
  { id: '8 chunked', title: 'the same, length unknown', over: BOTH, ask: call('application/json', '{}', { chunked: true }), expect: UNAUTHENTICATED },
  { id: '9', title: 'gRPC, v2 service', over: H2, ask: grpc(LIST_SESSIONS, 'proto'), expect: [status(200), trailer('grpc-status', '16')] },
  { id: '10', title: 'gRPC with JSON, v2 service', over: H2, ask: grpc(LIST_SESSIONS, 'json', '{}'), expect: [status(200), trailer('grpc-status', '16')] },
  { id: '11', title: '/ ends at a login page', over: BOTH, ask: page('/'), follow: true, expect: HTML },
  { id: '11', title: 'Login v2 is healthy', over: BOTH, ask: { path: '/ui/v2/login/healthy' }, expect: [status(200)], absent: NO_LOGIN_V2 },
  { id: '11', title: 'Login v2', over: BOTH, ask: page('/ui/v2/login/'), follow: true, expect: HTML, absent: NO_LOGIN_V2 },
  { id: '11', title: 'Console', over: BOTH, ask: page('/ui/console/'), expect: HTML },
  { id: '12', title: 'OIDC discovery', over: BOTH, ask: { path: '/.well-known/openid-configuration' }, expect: [status(200), ...['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri'].map((name) => json(name))] },
  { id: '12', title: 'OIDC keys', over: BOTH, ask: { path: '/oauth/v2/keys' }, expect: [status(200), json('keys')] },
  { id: '12', title: 'SAML metadata', over: BOTH, ask: { path: '/saml/v2/metadata' }, expect: [status(200), body(/EntityDescriptor/)] },
  { id: '13', title: 'REST health under /api', over: BOTH, ask: { path: '/api/admin/v1/healthz' }, expect: [status(200)], absent: { when: closed, why: 'no alias /api' } },
  { id: '14', title: 'server reflection, in turns', over: H2,
    ask: { path: REFLECTION, headers: { 'content-type': 'application/grpc', te: 'trailers' }, dialogue: [question(0x3a, ''), question(0x22, 'zitadel.admin.v1.AdminService')] },
    expect: [status(200), turns(2), body(/zitadel\.admin\.v1/), trailer('grpc-status', '0')],
    absent: { when: (answer) => /^(?:5|7|12)$/.test(String(answer.trailers['grpc-status'] ?? answer.headers['grpc-status'])) || closed(answer), why: 'server reflection is closed' } },
];
