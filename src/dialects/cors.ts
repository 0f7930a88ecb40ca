/**
 * What a script of another origin needs to read a refusal. Answers of ZITADEL pass as they are, it does CORS itself;
 * these fields go on what the gateway says in its place, or a browser shows "network error" instead of the refusal.
 */

import type { RequestHead } from '../core/exchange.ts';

/** ZITADEL's own list (internal/api/http/middleware/cors_interceptor.go), and what refusals have beside it. */
const EXPOSED = [
  'location',
  'content-length',
  'grpc-status',
  'grpc-message',
  'grpc-status-details-bin',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
  'x-request-id',
].join(', ');

/** An origin as browsers serialize it: `null`, or scheme, host and port; RFC 6454 section 6.2. */
const ORIGIN = /^(?:null|[a-z][a-z0-9+.-]{0,31}:\/\/[a-z0-9._~[\]:-]{0,280})$/i;

/** A CORS preflight, https://fetch.spec.whatwg.org/#cors-preflight-request */
export function isPreflight(head: RequestHead): boolean {
  return head.method === 'OPTIONS' && head.headers['access-control-request-method'] !== undefined;
}

/**
 * The fields with which a refused preflight lets the call behind it come, so that it gets its refusal in a form that a
 * script can read: a browser sends no call after a preflight without an ok status, and shows "network error" instead.
 * What is asked for is allowed, and not remembered; undefined for what is no preflight of a script.
 */
export function preflightHeaders(head: RequestHead): Record<string, string> | undefined {
  const allowed = corsHeaders(head);
  if (!isPreflight(head) || allowed['access-control-allow-origin'] === undefined) return undefined;
  const method = head.headers['access-control-request-method'];
  const names = head.headers['access-control-request-headers'];
  if (typeof method !== 'string' || !/^[A-Za-z-]{1,32}$/.test(method)) return undefined;
  const listed = typeof names === 'string' && /^[\w!#$%&'*+.^`|~, -]{1,4096}$/.test(names);
  return {
    ...allowed,
    'access-control-allow-methods': method,
    ...(listed && { 'access-control-allow-headers': names }),
    'access-control-max-age': '0',
  };
}

/** The CORS fields of a refusal; none where the request names no origin, or none that can be one. */
export function corsHeaders(head: RequestHead): Record<string, string> {
  const { origin } = head.headers;
  if (typeof origin !== 'string' || !ORIGIN.test(origin)) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': EXPOSED,
    vary: 'Origin',
  };
}
