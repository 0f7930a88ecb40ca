import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';
import type { Visit, VisitHandler } from './visit.ts';

const CHUNK = Buffer.alloc(16 * 1024, 'The quick brown fox jumps over the lazy dog. ');

/** The paths under /demo, which ZITADEL has not: each does one thing that a proxy may get wrong. */
export const TOOLS: Readonly<Record<string, VisitHandler>> = {
  /** Tells what arrived. */
  '/demo/echo': async (visit) => {
    const body = await visit.body();
    visit.json(200, {
      method: visit.method,
      target: visit.target,
      protocol: visit.protocol,
      authority: visit.authority,
      rawHeaders: visit.request.rawHeaders,
      bodyBytes: body.length,
      bodySha256: sha256(body),
      trailers: visit.request.rawTrailers,
    });
  },

  /** Server-sent events: `n` of them, `ms` apart. */
  '/demo/sse': async (visit) => {
    const count = number(visit, 'n', 5);
    const ms = number(visit, 'ms', 0);
    visit.reply.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    for (let i = 0; i < count && !visit.gone; i += 1) {
      if (i > 0 && ms > 0) await after(ms);
      await write(visit, Buffer.from(`id: ${i}\nevent: tick\ndata: {"n":${i}}\n\n`));
    }
    visit.reply.end();
  },

  /** Answers after `ms`. */
  '/demo/slow': async (visit) => {
    await after(number(visit, 'ms', 1000));
    visit.send(200, { 'content-type': 'text/plain' }, 'late');
  },

  /** A body of `bytes` with its length announced. */
  '/demo/large': async (visit) => {
    const bytes = number(visit, 'bytes', 1 << 20);
    visit.reply.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
    await writeBytes(visit, bytes);
    visit.reply.end();
  },

  /** A body of `n` bytes without a length; with `trailers=1` its hash comes after it. */
  '/demo/bytes': async (visit) => {
    const wantsTrailers = visit.query.get('trailers') === '1';
    const trailer = wantsTrailers ? { trailer: 'x-demo-sha256, x-demo-bytes' } : {};
    const bytes = number(visit, 'n', 1024);
    visit.reply.writeHead(200, { 'content-type': 'application/octet-stream', ...trailer });
    const hash = createHash('sha256');
    await writeBytes(visit, bytes, (chunk) => void hash.update(chunk));
    if (wantsTrailers) visit.reply.addTrailers({ 'x-demo-sha256': hash.digest('hex'), 'x-demo-bytes': String(bytes) });
    visit.reply.end();
  },

  /** Resets the answer after `after` bytes of its body with the RST_STREAM `code`; without `after`, before its head. */
  '/demo/reset': async (visit) => {
    const code = number(visit, 'code', 2);
    if (!visit.query.has('after')) return visit.reset(code);
    visit.reply.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': 1 << 30 });
    visit.reply.flushHeaders();
    await writeBytes(visit, number(visit, 'after', 0));
    visit.reset(code);
  },

  /** Takes the request and never answers. */
  '/demo/hang': (visit) => void visit.request.resume(),

  /** Counts the body as it comes. A cut upload is never answered: the records tell how it ended. */
  '/demo/upload': async (visit) => {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of visit.request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      hash.update(chunk);
    }
    visit.json(200, { bytes, sha256: hash.digest('hex'), trailers: visit.request.rawTrailers });
  },

  /** Answers with `status` before it has read any of the body. */
  '/demo/early': (visit) => visit.error(number(visit, 'status', 413), 'answered early'),

  /** Answers with `status`, and with Retry-After when `retry` is given. */
  '/demo/status': (visit) => {
    const retry = visit.query.get('retry');
    visit.error(number(visit, 'status', 503), 'as asked', retry === null ? {} : { 'retry-after': retry });
  },

  /** Answers with a header field of `bytes`. */
  '/demo/headers': (visit) => {
    visit.send(200, { 'content-type': 'text/plain', 'x-demo-padding': 'a'.repeat(number(visit, 'bytes', 8192)) }, 'ok');
  },

  /** Sends 103 Early Hints before the answer (RFC 8297). */
  '/demo/hints': (visit) => {
    visit.reply.writeEarlyHints({ link: '</ui/console/styles.css>; rel=preload; as=style' });
    visit.send(200, { 'content-type': 'text/plain' }, 'hinted');
  },
};

function number(visit: Visit, name: string, otherwise: number): number {
  const value = visit.query.get(name);
  return value === null || value === '' || Number.isNaN(Number(value)) ? otherwise : Number(value);
}

function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

async function writeBytes(visit: Visit, bytes: number, seen: (chunk: Buffer) => void = () => {}): Promise<void> {
  for (let left = bytes; left > 0 && !visit.gone; ) {
    const chunk = CHUNK.subarray(0, Math.min(left, CHUNK.length));
    seen(chunk);
    left -= chunk.length;
    await write(visit, chunk);
  }
}

/** Writes at the pace of the reader; gives up waiting when it has gone. */
async function write(visit: Visit, chunk: Buffer): Promise<void> {
  const { reply } = visit;
  if (visit.gone || reply.write(chunk) || visit.gone) return;
  const waiting = new AbortController();
  const { signal } = waiting;
  await Promise.race([once(reply, 'drain', { signal }), once(reply, 'close', { signal })]).finally(() =>
    waiting.abort(),
  );
}
