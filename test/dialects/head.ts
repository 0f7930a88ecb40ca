/** Request heads and refusal contexts for tests of dialects. */

import type { ErrorCode } from '../../src/core/catalogue.ts';
import { type ErrorDetails, GatewayError } from '../../src/core/errors.ts';
import type { RefusalContext, RefusalForm, RequestHead } from '../../src/core/exchange.ts';

/** A head: an HTTP/2 POST with this content type and these fields, unless something else is said. */
export function head(
  contentType: string,
  rest: { method?: string; path?: string; http?: number; headers?: Record<string, string> } = {},
): RequestHead {
  return {
    method: rest.method ?? 'POST',
    path: rest.path ?? '/zitadel.admin.v1.AdminService/Healthz',
    contentType,
    httpVersionMajor: rest.http ?? 2,
    headers: { ...(contentType !== '' && { 'content-type': contentType }), ...rest.headers },
  };
}

/** What a dialect is told to refuse a request with this head. */
export function refusalOf(
  requestHead: RequestHead,
  code: ErrorCode,
  rest: ErrorDetails & { form?: RefusalForm } = {},
): RefusalContext {
  const { form = 'rest', ...details } = rest;
  return { error: new GatewayError(code, details), requestId: 'request-1', head: requestHead, form };
}
