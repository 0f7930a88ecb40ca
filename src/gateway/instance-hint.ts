/**
 * Recognises ZITADEL's answer for a host that it has no instance for, in every dialect, and says once per host what does
 * not fit. It is what users behind proxies report most (zitadel/zitadel#4452, #5039, #5615, #11443).
 */

import { LRUCache } from 'lru-cache';
import type { Events } from '../core/events.ts';
import type { AnswerHook } from '../core/policy.ts';
import type { Fields, Sink } from '../core/raw.ts';

/** In ZITADEL's words: HTTP body, grpc-message, Connect JSON. */
const UNKNOWN_INSTANCE = /unable to set instance|Instance(?:\.|%2[eE]|\s|%20)?not(?:\s|%20)?found/i;
/** How much of an answer is looked at, in bytes. */
const LOOKED_AT = 2048;
/** Hosts are chosen by clients: so many are remembered, for so long. */
const REMEMBERED = { max: 1000, ttl: 3_600_000 };

/** Makes the hook; it lets everything pass as it is. */
export function instanceHint(events: Events): AnswerHook {
  const told = new LRUCache<string, true>(REMEMBERED);

  function tell(host: string, words: string): void {
    if (!UNKNOWN_INSTANCE.test(words) || told.has(host)) return;
    told.set(host, true);
    events.emit('hint', {
      topic: 'unknown_instance',
      host,
      found: 'ZITADEL has no instance for this host',
      expected: 'a host that is ExternalDomain (with ExternalPort) or a custom domain of an instance',
      key: "hosts (here), ExternalDomain, ExternalPort and the instance's domains (in ZITADEL)",
    });
  }

  return function instanceHint({ raw, dialect }, answer) {
    const rpc = dialect.name === 'grpc' || dialect.name === 'grpc-web';
    if (answer.status !== 404 && !(rpc && answer.status === 200)) return;
    const host = raw.authority;
    if (told.has(host)) return;
    for (let i = 0; i < answer.fields.length; i += 2) {
      if (answer.fields[i] === 'grpc-message') tell(host, answer.fields[i + 1]!);
    }
    if (answer.ended || answer.source !== 'upstream') return;
    // On top: what a policy codes could not be read.
    answer.listen = (below) => new Listening(below, dialect.name === 'grpc', (words) => tell(host, words));
  };
}

/** A sink that listens to the beginning of a body and to its trailers. */
class Listening implements Sink {
  readonly #below: Sink;
  readonly #tell: (words: string) => void;
  #heard = '';
  #done: boolean;

  constructor(below: Sink, trailersOnly: boolean, tell: (words: string) => void) {
    this.#below = below;
    this.#done = trailersOnly;
    this.#tell = tell;
  }

  write(chunk: Uint8Array): boolean {
    if (!this.#done) {
      this.#heard += Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.length, LOOKED_AT)).toString('latin1');
      this.#done = this.#heard.length >= LOOKED_AT;
    }
    return this.#below.write(chunk);
  }

  end(trailers?: Fields): void {
    if (trailers !== undefined) this.#heard += trailers.join(' ');
    if (this.#heard !== '') this.#tell(this.#heard);
    this.#below.end(trailers);
  }

  reset(code: number): void {
    this.#below.reset(code);
  }
}
