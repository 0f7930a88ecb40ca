/** Quick codings of stored bodies, in use until the best ones are made: else every hit until then is coded anew. */

import { LRUCache } from 'lru-cache';
import type { CodingName, Encoder } from './coding.ts';
import { codingOf } from './index.ts';

/** As many as the thread pool has threads; who comes meanwhile is coded for alone. */
const MAX_AT_WORK = 4;
/** What an entry costs beside its bytes, about. */
const ENTRY_BYTES = 300;

/**
 * Codings by the digest of their body, bounded in bytes, those used longest ago thrown away. They are functions of the
 * body alone, so nothing has to be invalidated. Their bytes are not those of the best coding: a tag must be weak.
 */
export class QuickCodings implements Disposable {
  readonly #kept: LRUCache<string, Uint8Array>;
  readonly #atWork = new Map<string, Encoder>();

  /** `maxBytes`: of all codings together. */
  constructor(maxBytes: number) {
    this.#kept = new LRUCache({
      maxSize: Math.max(maxBytes, 1),
      sizeCalculation: (coded) => coded.byteLength + ENTRY_BYTES,
    });
  }

  /** What all of them cost, in bytes. */
  get bytes(): number {
    return this.#kept.calculatedSize;
  }

  /** How many are being made. */
  get atWork(): number {
    return this.#atWork.size;
  }

  /** The coding of a body. Where there is none yet it is made in the thread pool, for later ones. */
  use(digest: string, body: Uint8Array, coding: CodingName): Uint8Array | undefined {
    const key = `${coding} ${digest}`;
    const coded = this.#kept.get(key);
    if (coded === undefined && this.#atWork.size < MAX_AT_WORK && !this.#atWork.has(key)) this.#make(key, body, coding);
    return coded;
  }

  /** The best one is there. */
  drop(digest: string, coding: CodingName): void {
    this.#kept.delete(`${coding} ${digest}`);
  }

  /** What is being made is not wanted any more. */
  [Symbol.dispose](): void {
    for (const encoder of this.#atWork.values()) encoder.destroy();
    this.#atWork.clear();
    this.#kept.clear();
  }

  #make(key: string, body: Uint8Array, name: CodingName): void {
    const pieces: Uint8Array[] = [];
    const over = (): boolean => this.#atWork.delete(key);
    const encoder = codingOf(name).encoder(
      {
        onData: (chunk) => pieces.push(chunk),
        onEnd: () => {
          // `concat` may take from the pool of small buffers, which would be held as a whole.
          if (over()) this.#kept.set(key, new Uint8Array(Buffer.concat(pieces)));
        },
        onDrain: () => {},
        onError: over,
      },
      body.length,
    );
    this.#atWork.set(key, encoder);
    encoder.write(body);
    encoder.end();
  }
}
