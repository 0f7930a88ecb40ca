/**
 * What the stores of the threads of a process tell each other, so that an answer is fetched once for all of them, and
 * whoever is asked while the origin fails has it. Bodies are in shared memory: told, not copied.
 */

import { sameVary } from './kept-answer.ts';
import type { Store } from './store.ts';
import type { CacheKey, StoredAnswer } from './stored.ts';
import type { CacheUrl } from './tokens.ts';

/** What has become of one store. Plain data, so that it can be sent to a thread. */
export type StoreChange =
  /** An answer was fetched or validated; `endpoint`: who gave it, undefined where that is not known any more. */
  | {
      readonly kind: 'kept';
      readonly key: CacheKey;
      readonly answer: StoredAnswer;
      readonly endpoint: string | undefined;
    }
  /** A coding of a body was made. */
  | { readonly kind: 'coded'; readonly digest: string; readonly coding: string; readonly coded: Uint8Array }
  /** The origin says something else now than in the answers that came until `receivedAt`. */
  | {
      readonly kind: 'outdated';
      readonly key: CacheKey;
      readonly vary: StoredAnswer['vary'];
      readonly receivedAt: number;
    }
  /** An unsafe request has succeeded, see `Store.invalidate`. */
  | { readonly kind: 'invalidated'; readonly url: CacheUrl };

/** An answer that another thread has stored. */
export type KeptElsewhere = Extract<StoreChange, { kind: 'kept' }>;

/** The side of one store. */
export class Mirror {
  readonly #store: Store;
  readonly #send: (change: StoreChange) => void;
  readonly #adopters = new Map<string, (kept: KeptElsewhere) => void>();

  /** `send`: to the stores of all other threads. */
  constructor(store: Store, send: (change: StoreChange) => void) {
    this.#store = store;
    this.#send = send;
  }

  tell(change: StoreChange): void {
    this.#send(change);
  }

  /** Who takes what others have kept for a route; in place of the one before. Without one it is not taken. */
  onKept(route: string, adopt: (kept: KeptElsewhere) => void): void {
    this.#adopters.set(route, adopt);
  }

  /** Another store has told. */
  hear(change: StoreChange): void {
    switch (change.kind) {
      case 'kept':
        this.#adopters.get(change.key.route)?.(change);
        break;
      case 'coded':
        this.#store.addCoding(change.digest, change.coding, change.coded);
        break;
      case 'outdated': {
        const { key, receivedAt } = change;
        const here = this.#store.peek(key).find((answer) => sameVary(answer, change));
        if (here !== undefined && here.receivedAt <= receivedAt) this.#store.delete(key, here);
        break;
      }
      case 'invalidated':
        this.#store.invalidate(change.url);
    }
  }

  /** Everything that is kept, for a store that has nothing: the one used longest ago first, as it came. */
  *all(): Generator<KeptElsewhere> {
    for (const { key, answers } of [...this.#store.resources()].reverse()) {
      for (const answer of answers.toReversed()) yield { kind: 'kept', key, answer, endpoint: undefined };
    }
  }
}
