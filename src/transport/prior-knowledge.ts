/** HTTP/2 with prior knowledge and HTTP/1.1 on one cleartext port, told apart by the first bytes. */

import type { Socket } from 'node:net';

/** The first bytes of HTTP/2 with prior knowledge, RFC 9113 section 3.4; no HTTP/1.1 method begins so. */
const PREFACE = Buffer.from('PRI * HTTP/2.0');

/** How long is waited, and who hears which protocol it is. */
export interface PriorKnowledgeOptions {
  /** How long the first bytes may take, in milliseconds. */
  readonly timeoutMs: number;
  /** The protocol is known; all that was read is back in the socket. */
  decided(protocol: 'h2' | 'http/1.1'): void;
  late(): void;
}

/** Waits for the first bytes of a connection; the returned function tells whether any have come. */
export function priorKnowledge(socket: Socket, options: PriorKnowledgeOptions): () => boolean {
  const timer = setTimeout(options.late, options.timeoutMs).unref();
  let seen: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const compared = Math.min(seen.length, PREFACE.length);
      const prior = seen.subarray(0, compared).equals(PREFACE.subarray(0, compared));
      if (prior && compared < PREFACE.length) continue; // not decided yet
      clearTimeout(timer);
      socket.off('readable', onReadable);
      socket.unshift(seen);
      options.decided(prior ? 'h2' : 'http/1.1');
      return;
    }
  };
  socket.once('close', () => clearTimeout(timer));
  socket.on('readable', onReadable);
  return () => seen.length > 0;
}
