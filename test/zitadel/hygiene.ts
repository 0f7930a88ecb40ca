/**
 * What a proxy must do about headers, sizes and hosts, as far as it shows from outside. Nothing is written anywhere:
 * discovery tells which instance ZITADEL believes it was asked for, and a REST call without a token is refused.
 */

import { type Check, frame, issuerIsPublic, issuerUnmoved, json, status, trailer } from './check.ts';
import type { Row } from './matrix.ts';
import { type Ask, PROTOCOLS, type Protocol } from './talker.ts';

const BOTH = PROTOCOLS;
const H1: readonly Protocol[] = ['http/1.1'];
const H2: readonly Protocol[] = ['h2'];
const EVIL = 'evil.invalid';

const discovery = (headers: Record<string, string>, query = ''): Ask => ({
  path: `/.well-known/openid-configuration${query}`,
  headers,
});
const sessions = (headers: Record<string, string>, path = '/v2/sessions'): Ask => ({
  path,
  headers: { 'content-type': 'application/json', ...headers },
  body: '{}',
});

/** A header with which a client could choose instance or issuer (internal/api/http/middleware/origin_interceptor.go). */
// biome-ignore format: a table is read by its columns
const SPOOFS: readonly (readonly [name: string, value: string, why: string])[] = [
  ['x-zitadel-instance-host', EVIL, 'chooses the instance'],
  ['x-zitadel-public-host', EVIL, 'names another issuer'],
  ['x-zitadel-forwarded', `host=${EVIL};proto=http`, 'read like Forwarded'],
  ['x-zitadel-forward-host', EVIL, 'CVE-2025-67494'],
  ['forwarded', `host=${EVIL};proto=http`, 'CVE-2025-64101'],
  ['x-forwarded-host', EVIL, 'CVE-2023-49097'],
  ['x-forwarded-proto', 'http', 'downgrades links, zitadel/zitadel#9975'],
  ['x-forwarded-for', `host=${EVIL}`, 'read like Forwarded'],
  ['x-forwarded-port', '81', 'names another port'],
  ['x-forwarded-prefix', '/evil', 'names another path'],
  ['x-original-url', '/debug/metrics', 'another path'],
  ['x-rewrite-url', '/debug/metrics', 'another path'],
];

/** REST turns these into metadata of its own gRPC call (internal/api/grpc/server/gateway.go). */
const METADATA = ['x-zitadel-instance-host', 'x-forwarded-host', 'x-forwarded-for', 'forwarded'];

const UNMOVED: readonly Check[] = [status(200), issuerUnmoved];
const REFUSED: readonly Check[] = [status(401), json('code', 16)];
const PADDING = 'a'.repeat(16 * 1024);
/** Refused or answered, but not by a fault of the proxy. */
const noFault: Check = (answer) => (answer.status < 500 ? undefined : `status ${answer.status}`);
/** The Console's `api` is the public address: zitadel/zitadel#9912. */
const apiIsPublic: Check = ({ body }, { host }) => {
  let api: string | undefined;
  try {
    api = (JSON.parse(body.toString()) as { api?: string }).api;
  } catch {
    return 'environment.json is not JSON';
  }
  return api !== undefined && URL.parse(api)?.host === host ? undefined : `api is ${api}, not ${host}`;
};
/** Contradicting hosts are refused, or the pseudo-header field counts. */
const authorityCounts: Check = (answer, around) => (answer.status === 400 ? undefined : issuerUnmoved(answer, around));

// biome-ignore format: a table is read by its columns
export const HYGIENE: readonly Row[] = [
  { id: 'host', title: 'the issuer is the public address', over: BOTH, ask: discovery({}), expect: [status(200), issuerIsPublic] },
  { id: 'host', title: "the Console's api is the public address", over: BOTH, ask: { path: '/ui/console/assets/environment.json' }, expect: [status(200), apiIsPublic] },
  { id: 'host', title: 'host beside :authority does not win', over: H2, ask: discovery({ host: EVIL }), expect: [authorityCounts] },
  ...SPOOFS.map(([name, value, why]): Row => (
    { id: 'spoof', title: `${name} (${why})`, over: BOTH, ask: discovery({ [name]: value }), expect: UNMOVED })),
  ...METADATA.map((name): Row => (
    { id: 'spoof', title: `grpc-metadata-${name}`, over: BOTH, ask: sessions({ [`grpc-metadata-${name}`]: name === 'forwarded' || name.endsWith('-for') ? `host=${EVIL}` : EVIL }), expect: REFUSED })),
  { id: 'te', title: 'TE on REST: an unknown path', over: BOTH, ask: { path: '/v2/no-such-thing', headers: { te: 'trailers' } }, expect: [status(404)] },
  { id: 'te', title: 'TE on gRPC is passed', over: H2, ask: { path: '/zitadel.admin.v1.AdminService/Healthz', headers: { 'content-type': 'application/grpc', te: 'trailers' }, body: frame() }, expect: [status(200), trailer('grpc-status', '0')] },
  { id: 'upgrade', title: 'Upgrade: h2c is not carried on', over: H1, ask: discovery({ connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' }), expect: UNMOVED },
  { id: 'path', title: 'the path counts as decoded', over: BOTH, ask: sessions({}, '/v2/%73essions'), expect: REFUSED },
  { id: 'size', title: 'a URL of 16 KiB passes (SAML)', over: BOTH, ask: discovery({}, `?x=${PADDING}`), expect: UNMOVED },
  { id: 'size', title: 'header fields of 16 KiB pass', over: BOTH, ask: discovery({ 'x-padding': PADDING.slice(0, 8000), 'x-padding-2': PADDING.slice(0, 8000) }), expect: UNMOVED },
  { id: 'size', title: 'header fields of 200 KiB are no fault', over: BOTH, ask: discovery(Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`x-padding-${i}`, PADDING.slice(0, 8000)]))), expect: [noFault], mayBreak: true },
  { id: 'closed', title: 'metrics are not public', over: BOTH, ask: { path: '/debug/metrics' }, expect: [status(401, 403, 404)] },
];
