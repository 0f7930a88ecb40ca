/** State that outlives a reload: by identity, closed when no generation names it any more. */

import { createHash } from 'node:crypto';

interface Entry {
  readonly value: object;
  readonly generations: Set<number>;
}

/** What generations keep of each other. */
export class Kept {
  readonly #entries = new Map<string, Entry>();

  /** The value with this identity, made where there is none. `identity` is compared as JSON. */
  use<T extends object>(generation: number, kind: string, identity: unknown, make: () => T): T {
    const key = `${kind} ${createHash('sha256').update(JSON.stringify(identity)).digest('base64url')}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { value: make(), generations: new Set() };
      this.#entries.set(key, entry);
    }
    entry.generations.add(generation);
    return entry.value as T;
  }

  /** A generation is over: what only it named is disposed. */
  release(generation: number): void {
    for (const [key, { value, generations }] of this.#entries) {
      if (!generations.delete(generation) || generations.size > 0) continue;
      this.#entries.delete(key);
      if (Symbol.dispose in value) (value as Disposable)[Symbol.dispose]();
    }
  }
}
