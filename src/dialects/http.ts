import type { GatewayError } from '../core/errors.ts';
import type { Dialect, Refusal, RefusalContext, RefusalForm } from '../core/exchange.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { violationOf } from './details.ts';
import { wantsPage } from './document.ts';
import { GRPC, isType, mediaType } from './media-type.ts';
import { PAGE_HEADERS, page } from './page.ts';
import { refusalHeaders } from './refusal.ts';
import { retryDelayMs } from './retry.ts';

/** Plain HTTP in the forms that ZITADEL's routes have; what is no RPC, and what is none over HTTP/1.1, ends here. */
export const http: Dialect = {
  name: 'http',
  matches: () => true,
  refuse: (context) => refusePreflight(context) ?? FORMS[formOf(context)](context),
  // A message of unknown meaning cannot be ended with an error: only a reset is not mistaken for its end.
  endWith: () => undefined,
  outcome: () => undefined,
};

/** A preflight is not refused itself, the call behind it is; except on pages, which are not for scripts of other origins. */
function refusePreflight(context: RefusalContext): Refusal | undefined {
  const allowed = context.form === 'html' ? undefined : preflightHeaders(context.head);
  if (allowed === undefined) return undefined;
  const { 'content-type': _, ...headers } = refusalHeaders(context, 204, '');
  return { status: 204, headers: { ...headers, ...allowed }, body: null };
}

/** The form of a refusal: the route's, but no page for a caller that shows none, and REST for gRPC over HTTP/1.1. */
function formOf({ head, form }: RefusalContext): RefusalForm {
  if (head.method === 'POST' && isType(mediaType(head.contentType), GRPC)) return 'rest';
  return form === 'html' && !wantsPage(head) ? 'rest' : form;
}

const FORMS: Record<RefusalForm, (context: RefusalContext) => Refusal> = {
  // google.rpc.Status in JSON, as grpc-gateway writes it: `code` is the number.
  rest(context) {
    const { error, requestId } = context;
    return answer(context, 'application/json', {
      code: error.row.rest ?? error.row.grpc,
      message: error.message,
      details: [
        ...restRetryInfo(error),
        ...restQuotaFailure(error),
        { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId },
      ],
    });
  },

  // RFC 6749 section 5.2.
  oauth(context) {
    const { oauth, message } = context.error;
    const refusal = answer(context, 'application/json', { error: oauth, error_description: message });
    refusal.headers.pragma = 'no-cache';
    return refusal;
  },

  // RFC 7644 section 3.12: the status is text there.
  scim(context) {
    const { row, message } = context.error;
    return answer(context, 'application/scim+json', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(row.http),
      detail: message,
    });
  },

  // Without CORS fields: a page is looked at, not read by scripts of other origins.
  html(context) {
    const status = context.error.row.http;
    const headers = { ...refusalHeaders(context, status, 'text/html; charset=utf-8'), ...PAGE_HEADERS };
    return { status, headers, body: page(context) };
  },

  text(context) {
    const { error, requestId } = context;
    return answer(context, 'text/plain; charset=utf-8', `${error.message} (request id ${requestId})\n`);
  },
};

function answer(context: RefusalContext, contentType: string, body: string | Record<string, unknown>): Refusal {
  const status = context.error.row.http;
  return {
    status,
    headers: { ...refusalHeaders(context, status, contentType), ...corsHeaders(context.head) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

/** RetryInfo in JSON; a Duration is text there, https://protobuf.dev/programming-guides/json/ */
function restRetryInfo(error: GatewayError): Record<string, unknown>[] {
  const delayMs = retryDelayMs(error);
  if (delayMs === undefined) return [];
  const fraction = delayMs % 1000 === 0 ? '' : `.${String(delayMs % 1000).padStart(3, '0')}`;
  const retryDelay = `${Math.floor(delayMs / 1000)}${fraction}s`;
  return [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }];
}

/** QuotaFailure in JSON. */
function restQuotaFailure(error: GatewayError): Record<string, unknown>[] {
  const violation = violationOf(error);
  if (violation === undefined) return [];
  return [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [violation] }];
}
