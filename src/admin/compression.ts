import compress from '@fastify/compress';
import type { FastifyInstance, FastifyReply } from 'fastify';

/**
 * Lets replies of `app` be compressed one by one. @fastify/compress 9.2.0 by itself compresses every answer and, which
 * nobody expects, inflates every request body before its length is checked: both are off.
 */
export async function allowCompression(app: FastifyInstance, thresholdBytes: number): Promise<void> {
  await app.register(compress, {
    global: false,
    globalDecompression: false,
    encodings: ['zstd', 'br', 'gzip'],
    threshold: thresholdBytes,
  });
}

/** What shrinks; @fastify/compress 9.2.0 also takes application/octet-stream for text. */
const TEXT = /^(?:text\/(?:plain|html|css)|application\/(?:json|openmetrics-text))\b/i;

/**
 * Looks like the head of a zlib stream, RFC 1950 section 2.2, as `x ` and `80` also do. @fastify/compress 9.2.0 takes
 * such a body for compressed: it labels it `br` and sends it as it is, so that no client can read it.
 */
function looksLikeZlib(body: Buffer): boolean {
  if (body.length < 2) return false;
  return (body[0]! & 0x8f) === 0x08 && ((body[0]! << 8) + body[1]!) % 31 === 0;
}

/** Whether this answer may go through @fastify/compress. */
function mayCompress(reply: FastifyReply, body: Buffer): boolean {
  const cacheControl = String(reply.getHeader('cache-control') ?? '');
  if (/\bno-transform\b/i.test(cacheControl)) return false; // RFC 9111 section 5.2.2.6; ignored by 9.2.0
  if (!TEXT.test(String(reply.getHeader('content-type') ?? ''))) return false;
  return !looksLikeZlib(body);
}

/** Sends a body, compressed where the client takes it and it is worth it. */
export function sendCompressible(reply: FastifyReply, text: string): void {
  const body = Buffer.from(text);
  // RFC 9110 section 12.5.5: also the answer that is not compressed depends on the field; 9.2.0 leaves it out there.
  // In lower case, as 9.2.0 looks for it, or it stands there twice.
  reply.header('vary', 'accept-encoding');
  if (!mayCompress(reply, body)) return void reply.send(body);
  const tag = reply.getHeader('etag');
  // RFC 9110 section 8.8.1: a strong tag is of one sequence of bytes; 9.2.0 keeps it over all codings.
  if (typeof tag === 'string' && tag.startsWith('"')) reply.header('etag', `W/${tag}`);
  reply.compress(body);
}
