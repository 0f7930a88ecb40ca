/** Which fields go into the encoder's table. */

/**
 * How a field is written. `first`: inserted when it comes; for values that stay. `again`: inserted when the same value
 * comes the second time. `plain`: its values do not come again; the name alone may be inserted. `never`: a secret, marked
 * so that whoever passes it on keeps it out of every table (RFC 7541 section 7.1.3).
 */
export type Indexing = 'first' | 'again' | 'plain' | 'never';

/** `date` too: from two answers a second it is shorter, and below that nobody counts bytes. */
const FIRST = [
  ':status',
  'accept-ranges',
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'alt-svc',
  'cache-control',
  'content-encoding',
  'content-language',
  'content-type',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'date',
  'feature-policy',
  'grpc-accept-encoding',
  'grpc-encoding',
  'grpc-status',
  'permissions-policy',
  'pragma',
  'referrer-policy',
  'server',
  'strict-transport-security',
  'trailer',
  'vary',
  'via',
  'x-content-type-options',
  'x-frame-options',
  'x-powered-by',
  'x-robots-tag',
  'x-xss-protection',
];

const PLAIN = [
  ':path',
  'age',
  'content-disposition',
  'content-length',
  'content-range',
  'etag',
  'expires',
  'grpc-message',
  'last-modified',
  'ratelimit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'request-id',
  'retry-after',
  'server-timing',
  'traceparent',
  'tracestate',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'x-request-id',
  'x-trace-id',
];

/** Short secrets could be guessed by lengths; `location` carries the one-time codes of OIDC. */
const NEVER = ['authorization', 'cookie', 'location', 'proxy-authorization', 'set-cookie'];

/** By name; other names are `again`: a value that never repeats, as a CSP with a nonce, would push the others out. */
export const INDEXING: ReadonlyMap<string, Indexing> = new Map<string, Indexing>([
  ...FIRST.map((name) => [name, 'first'] as const),
  ...PLAIN.map((name) => [name, 'plain'] as const),
  ...NEVER.map((name) => [name, 'never'] as const),
]);
