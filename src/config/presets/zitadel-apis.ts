/** What SDKs, the Console, resource servers and operators use: internal/api/grpc, internal/api/scim, cmd/start of ZITADEL. */

import { ANY, ONCE, POST, READ, type Row } from './zitadel-rows.ts';
import { SECRET_RPCS, secretPaths } from './zitadel-secrets.ts';
import { lifted, SCIM_TYPES } from './zitadel-shield.ts';

const ADMIN = '/zitadel.admin.v1.AdminService';
const OIDC = ['/zitadel.oidc.v2.OIDCService', '/zitadel.oidc.v2beta.OIDCService'];

/** A stream whose answer may begin long after its request. */
const QUIET = { deadline: { answer_ms: 0 } };

/**
 * REST and RPC. grpc-gateway serves a form POST by the handler of any other method (runtime/mux.go,
 * isPathLengthFallback), so POST stands beside every method of a secret.
 */
// biome-ignore format: a table is read by its columns
export const APIS: readonly Row[] = [
  ['secrets-rpc', SECRET_RPCS, POST, 'session', 'rest', 'secrets checked, codes sent, enumeration'],
  ['secrets-post', secretPaths('POST'), ['POST'], 'session', 'rest', 'the same by REST'],
  ['secrets-patch', secretPaths('PATCH'), ['PATCH', 'POST'], 'session', 'rest', 'the same by REST'],
  ['secrets-put', secretPaths('PUT'), ['PUT', 'POST'], 'session', 'rest', 'the same by REST'],
  ['secrets-get', secretPaths('GET'), ['GET', 'HEAD', 'POST'], 'session', 'rest', 'the same by REST', ONCE],
  ['secrets-v3alpha', ['/resources/v3alpha/users/*', '/resources/v3alpha/idp_intents/*'], ANY, 'session', 'rest', 'the same, experimental', ONCE],
  ['device-rest', ['/v2/oidc/device_authorization/{id}', '/v2beta/oidc/device_authorization/{id}'], ['GET', 'HEAD', 'POST'], 'device', 'rest', 'looks up and decides user codes'],
  ['device-rpc', OIDC.flatMap((service) => [`${service}/GetDeviceAuthorizationRequest`, `${service}/AuthorizeOrDenyDeviceAuthorization`]), POST, 'device', 'rest', 'the same by RPC'],
  ['import-export', ['/admin/v1/import', '/admin/v1/export', `${ADMIN}/ImportData`, `${ADMIN}/ExportData`], POST, 'heavy', 'rest', 'big bodies, minutes'],
  ['instances', ['/v2/instances/*', '/v2beta/instances/*', '/zitadel.instance.v2.InstanceService/{rpc}', '/zitadel.instance.v2beta.InstanceService/{rpc}'], ANY, 'api', 'rest', 'partly across instances: the shield refuses those calls', { opens: { group: 'instances', rule: 'cross-instance' } }],
  ['instances-unknown', ['/v2/instances', '/v2beta/instances'], ANY, 'internal', 'rest', 'no definition has a call here; that of a newer ZITADEL would create instances', { group: 'instances', policies: lifted('cross-instance') }],
  ['scim', ['/scim/v2/*'], ANY, 'api', 'scim', 'ZITADEL takes 1,000,000 bytes (SCIM.MaxRequestBodySize)', { policies: { body_limit: { max_bytes: 1_000_000 }, shield: { content_types: SCIM_TYPES } } }],
  ['rest-v1', ['/admin/v1/*', '/management/v1/*', '/auth/v1/*'], ANY, 'api', 'rest', 'Console and SDKs'],
  ['rest-v2', ['/v2/*', '/v2beta/*', '/v3alpha/*', '/resources/v3alpha/*'], ANY, 'api', 'rest', 'the v2 services'],
  ['rest-v2-lists', ['/v2/sessions/search', '/v2beta/sessions/search', '/v2/users/{id}/passkeys/_search'], ANY, 'api', 'rest', 'lists; {id} and {passkey} of the secrets would take them for checks'],
  ['rpc', ['/zitadel.{service}/{rpc}'], ['POST', 'OPTIONS'], 'api', 'rest', 'gRPC, gRPC-Web and Connect of all services'],
];

/** What is not for the public, and the end of the table. */
// biome-ignore format: a table is read by its columns
export const INTERNAL: readonly Row[] = [
  ['debug', ['/debug/*'], ANY, 'internal', 'text', 'pprof and the like', { group: 'debug' }],
  ['metrics', ['/debug/metrics'], READ, 'internal', 'text', 'Prometheus, on by default in ZITADEL', { group: 'metrics' }],
  ['health', ['/debug/healthz', '/debug/ready', '/debug/validate', '/healthz'], READ, 'internal', 'text', 'probes; they need no host', { group: 'health' }],
  ['health-rpc', ['/grpc.health.v1.Health/{rpc}'], POST, 'internal', 'rest', 'gRPC probes; Watch is a stream', { group: 'health', policies: QUIET }],
  ['system', ['/system/v1/*', '/zitadel.system.{service}/{rpc}'], ANY, 'internal', 'rest', 'the System API crosses instances, in any version', { group: 'system', policies: lifted('system') }],
  ['debug-events', ['/v3alpha/debug_events/*', '/resources/v3alpha/debug_events/*', '/zitadel.resources.debug_events.{service}/{rpc}'], ANY, 'internal', 'rest', 'debug service', { group: 'debug_events', policies: lifted('debug') }],
  ['anything-else', ['/*'], ANY, 'api', 'rest', 'nothing else is served', { refuseWith: 'NO_ROUTE' }],
];

/** Open and unauthenticated in ZITADEL; grpcurl without files needs it. */
// biome-ignore format: a table is read by its columns
export const REFLECTION: Row =
  ['reflection', ['/grpc.reflection.v1.ServerReflection/{rpc}', '/grpc.reflection.v1alpha.ServerReflection/{rpc}'], POST, 'api', 'rest', 'bidirectional streams without authentication; `reflection` opens it', { policies: QUIET }];
