/** The bodies of stored answers, each once however many answers have it. */

import type { StoredAnswer } from './stored.ts';

/** What one body costs beside its bytes: a map entry, two buffers' heads, the map of codings. Measured, rounded up. */
const BODY_OVERHEAD = 600;
/** What one coding costs beside its bytes. */
const CODING_OVERHEAD = 200;
/** A body that keeps so many more bytes alive than it has is copied: a small one may be a view of a large chunk. */
const SLACK = 1024;

/** One body and what was made of it; shared by all stored answers with this digest. */
export interface PooledBody {
  readonly digest: string;
  readonly bytes: Uint8Array;
  readonly codings: Map<string, Uint8Array>;
  /** How many stored answers have it. */
  holders: number;
  /** What is counted for it, in bytes, codings and overhead in it. */
  counted: number;
}

/** What a body and its codings cost in memory, in bytes. */
export function bodyCost(bytes: Uint8Array, codings: ReadonlyMap<string, Uint8Array>): number {
  let cost = BODY_OVERHEAD + bytes.byteLength;
  for (const coded of codings.values()) cost += CODING_OVERHEAD + coded.byteLength;
  return cost;
}

/**
 * Bodies by SHA-256 digest, counted by holders. A hundred virtual hosts that serve one bundle keep it, and what was coded
 * of it, once.
 *
 * That is no leak between instances. An answer is found by its own key only; two keys come to share bytes when both
 * origins have sent these very bytes, so nobody gets a byte that its own origin did not send: SHA-256 has no known
 * collisions, and the length is compared as well. Codings are functions of the body alone. What a stranger could see is
 * whether a body is coded already, as it could from the second request on anyway; the body itself is fetched from each
 * origin before it is shared, so there is no answer from which to learn that another instance has it.
 */
export class BodyPool {
  readonly #bodies = new Map<string, PooledBody>();
  readonly #own: (bytes: Uint8Array) => Uint8Array;
  #bytes = 0;

  /** `own`: puts bytes where they stay, see `owned`. */
  constructor(own: (bytes: Uint8Array) => Uint8Array = owned) {
    this.#own = own;
  }

  /** What all bodies cost, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many different bodies there are. */
  get size(): number {
    return this.#bodies.size;
  }

  get(digest: string): PooledBody | undefined {
    return this.#bodies.get(digest);
  }

  /**
   * The body of an answer, with one holder more. Codings that the answer brings and the pool lacks are taken over.
   * Throws where the digest is known for another length: then whoever made one of them was wrong.
   */
  hold({ digest, body, codings }: Pick<StoredAnswer, 'digest' | 'body' | 'codings'>): PooledBody {
    const known = this.#bodies.get(digest);
    if (known !== undefined) {
      if (known.bytes.byteLength !== body.byteLength) throw new Error(`two lengths for the digest ${digest}`);
      known.holders += 1;
      if (codings !== known.codings) {
        for (const [name, coded] of codings) if (!known.codings.has(name)) known.codings.set(name, this.#own(coded));
      }
      this.recount(known);
      return known;
    }
    for (const [name, coded] of codings) codings.set(name, this.#own(coded));
    const made: PooledBody = { digest, bytes: this.#own(body), codings, holders: 1, counted: 0 };
    this.#bodies.set(digest, made);
    this.recount(made);
    return made;
  }

  /** Adds a coding to a body that has none of this name. */
  code(body: PooledBody, name: string, coded: Uint8Array): void {
    body.codings.set(name, this.#own(coded));
  }

  /** One holder less; the last one takes the body along. */
  release(body: PooledBody): void {
    body.holders -= 1;
    if (body.holders > 0) return;
    this.#bodies.delete(body.digest);
    this.#bytes -= body.counted;
    body.counted = 0;
  }

  /** Counts a body again whose codings have changed. */
  recount(body: PooledBody): void {
    const cost = bodyCost(body.bytes, body.codings);
    this.#bytes += cost - body.counted;
    body.counted = cost;
  }
}

/** The same bytes, with no more memory behind them than they need. */
export function owned(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer.byteLength <= bytes.byteLength + SLACK) return bytes;
  // `alloc` never takes from the pool of small buffers.
  const copy = Buffer.alloc(bytes.byteLength);
  copy.set(bytes);
  return copy;
}
