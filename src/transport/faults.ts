/** What is wrong with a request's form, before anything is routed. The same for every protocol version. */

import { isIPv6 } from 'node:net';
import type { ErrorCode } from '../core/catalogue.ts';
import { decodePath, routerPath, UNROUTABLE } from '../core/path.ts';
import type { HeadFields } from './head-fields.ts';

/** Limits of the config that the transport holds requests to. */
export interface TransportLimits {
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
  readonly maxUrlBytes: number;
}

/** A fault with what the log is told of it: the key of the config where a limit was exceeded. */
export interface Fault {
  readonly code: ErrorCode;
  readonly detail?: string;
}

/** Methods that a route can have. TRACE and the WebDAV family are nobody's here. */
export const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const;

const ROUTED = new Set<string>(METHODS);

/** A method that Fastify knows and no route has: what asks for another one than ours is routed as this, and finds none. */
const UNROUTED = 'TRACE';

/** `uri-host [":" port]` of RFC 9110 section 4.2, as DNS names and addresses spell it; without userinfo. */
const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|(?!\.|[^:]*\.\.)[a-z0-9._~-]+)(?::(\d{0,5}))?$/i;

/** Whether a text is a host with or without a port, and nothing else. */
export function isAuthority(text: string): boolean {
  const match = AUTHORITY.exec(text);
  if (match === null) return false;
  const [, ipv6, port] = match;
  return (ipv6 === undefined || isIPv6(ipv6)) && (port === undefined || Number(port) <= 65_535);
}

/** What is looked at of a request. */
export interface RequestForm {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  /** How many different authorities the request names; several Host fields count as several. */
  readonly authorities: number;
  readonly head: HeadFields;
  readonly limits: TransportLimits;
  /** A fault that was found before. */
  readonly fault?: Fault | undefined;
}

/** What routing needs of a request's form: where to, and what is wrong with it. */
export interface RoutingForm {
  readonly method: string;
  readonly path: string;
  readonly encodedSlash: boolean;
  readonly url: string;
  readonly fault: Fault | undefined;
}

/** Decodes the path and finds the first thing that is wrong with a request. */
export function routingForm(form: RequestForm): RoutingForm {
  const { target } = form;
  const decoded = target.charCodeAt(0) === 0x2f ? decodePath(target) : undefined;
  const fault = requestFault(form) ?? (decoded === undefined ? pathFault(form) : undefined);
  const path = decoded?.path ?? '';
  return {
    method: ROUTED.has(form.method) ? form.method : UNROUTED,
    path,
    encodedSlash: decoded?.encodedSlash ?? false,
    url: fault === undefined ? routerPath(path) : UNROUTABLE,
    fault,
  };
}

/** `OPTIONS *` asks about the server itself (RFC 9110 section 9.3.7): well-formed, and nothing that a route serves. */
function pathFault({ method, target }: RequestForm): Fault {
  return { code: method === 'OPTIONS' && target === '*' ? 'NO_ROUTE' : 'BAD_PATH' };
}

/** The first thing that is wrong with a request beside its path, or undefined. */
function requestFault({ method, target, authority, authorities, head, limits, fault }: RequestForm): Fault | undefined {
  if (fault !== undefined) return fault;
  if (target.length > limits.maxUrlBytes) {
    return { code: 'URL_TOO_LONG', detail: `limits.max_url_bytes: ${target.length} bytes` };
  }
  if (head.bytes > limits.maxHeaderBytes) {
    return { code: 'HEADERS_TOO_LARGE', detail: `limits.max_header_bytes: ${head.bytes} bytes` };
  }
  if (head.count > limits.maxHeaderCount) {
    return { code: 'HEADERS_TOO_LARGE', detail: `limits.max_header_count: ${head.count} fields` };
  }
  if (method === 'CONNECT') return { code: 'METHOD_NOT_ALLOWED' };
  if (authorities !== 1 || !isAuthority(authority)) return { code: 'BAD_AUTHORITY' };
  if (head.twice) return { code: 'BAD_HEADER', detail: 'a field that may occur once occurs twice' };
  return undefined;
}
