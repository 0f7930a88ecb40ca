/** Answers to HTTP-01 challenges that are due now, RFC 8555 section 8.3. */

import type { RawReply, RawRequest } from '../../core/raw.ts';

const PREFIX = '/.well-known/acme-challenge/';
/** As many as a certificate has names, and some. */
const MAX_PENDING = 1000;

/** By token the key authorization. */
export type ChallengeAnswers = ReadonlyMap<string, string>;

/** The answers that one thread gives. */
export class Challenges {
  #answers: ChallengeAnswers = new Map();
  readonly #onAnswered: (listener: string, token: string) => void;

  constructor(onAnswered: (listener: string, token: string) => void = () => {}) {
    this.#onAnswered = onAnswered;
  }

  /** These are due, and no others. */
  use(answers: ChallengeAnswers): void {
    this.#answers = new Map([...answers].slice(-MAX_PENDING));
  }

  /**
   * Whether it answers this request: one in the clear for a challenge that is due, whatever its host. Everything else goes
   * on as ever, also challenges of others: they may be the upstream's.
   */
  answer(request: RawRequest, reply: RawReply): boolean {
    // At nearly all times this is all that it costs.
    if (this.#answers.size === 0) return false;
    const { target, connection, fault } = request;
    if (!target.startsWith(PREFIX) || request.requestedMethod !== 'GET') return false;
    if (fault !== undefined || connection.tlsVersion !== undefined) return false;
    const token = target.slice(PREFIX.length);
    const found = this.#answers.get(token);
    if (found === undefined) return false;
    reply.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': String(Buffer.byteLength(found)),
      'cache-control': 'no-store',
    });
    reply.end(found);
    this.#onAnswered(connection.listener, token);
    return true;
  }
}
