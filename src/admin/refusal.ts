import type { FastifyReply } from 'fastify';
import type { ErrorCode } from '../core/catalogue.ts';
import { GatewayError } from '../core/errors.ts';

/** The codes for what Fastify refuses by itself, by its status; the rest is a defect. */
const BY_STATUS: Record<number, ErrorCode> = {
  400: 'BAD_HEADER',
  404: 'NO_ROUTE',
  408: 'REQUEST_TIMEOUT',
  413: 'BODY_TOO_LARGE',
  414: 'URL_TOO_LONG',
  415: 'BAD_CONTENT_TYPE',
  431: 'HEADERS_TOO_LARGE',
};

/** Any error as one of the catalogue. */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError || !(error instanceof Error)) return GatewayError.from(error);
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_BAD_URL') return new GatewayError('BAD_PATH');
  const known = statusCode === undefined ? undefined : BY_STATUS[statusCode];
  return known === undefined ? GatewayError.from(error) : new GatewayError(known);
}

/** The body of every refusal: `{"error": {"code", "message"}}`, codes as in docs/errors.md. */
export function refusalBody(error: GatewayError): string {
  return `${JSON.stringify({ error: { code: error.code, message: error.message } })}\n`;
}

/** Sends a refusal. */
export function refuse(reply: FastifyReply, error: GatewayError): FastifyReply {
  if (error.retryAfterS !== undefined) reply.header('retry-after', error.retryAfterS);
  if (error.allow !== undefined) reply.header('allow', error.allow.join(', '));
  if (error.code === 'UNAUTHORIZED') {
    // RFC 6750 section 3: the error only where a token was given.
    const detail = error.detail === undefined ? '' : ', error="invalid_token"';
    reply.header('www-authenticate', `Bearer realm="gatehouse admin"${detail}`);
  }
  return reply.code(error.row.http).type('application/json; charset=utf-8').send(refusalBody(error));
}
