/** Sends what the caller's dialect makes of an error. */

import type { FastifyReply } from 'fastify';
import type { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { addVary, getField } from '../core/headers.ts';

/** Error bodies of this size and more are compressed, in bytes; smaller ones only grow. */
const COMPRESS_FROM = 512;

/** The one place where a refusal leaves. */
export function refuse(error: GatewayError, exchange: Exchange, reply: FastifyReply): void {
  const { dialect, head, route, id, record } = exchange;
  const refusal = dialect.refuse({ error, requestId: id, head, form: route.form });
  const fields: string[] = [];
  for (const [name, value] of Object.entries(refusal.headers)) {
    reply.header(name, value);
    fields.push(name, value);
  }
  reply.code(refusal.status);
  record.grpcStatus =
    dialect.outcome(fields, undefined) ?? (dialect.name === 'http' ? undefined : String(error.row.grpc));
  const { body } = refusal;
  // @fastify/compress 9.2.0 puts `compress` on a reply in a hook that runs after those of the route: what one of them
  // refuses goes out as it is.
  const mayCompress = typeof reply.compress === 'function';
  if (mayCompress && dialect.name === 'http' && typeof body === 'string' && body.length >= COMPRESS_FROM) {
    // @fastify/compress 9.2.0 sets Vary only on what it did compress; caches need it on both.
    addVary(fields, 'accept-encoding');
    reply.header('vary', getField(fields, 'vary'));
    reply.compress(body);
  } else {
    reply.send(body ?? undefined);
  }
}
