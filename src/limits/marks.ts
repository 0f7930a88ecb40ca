import type { SharedTable } from './shared-table.ts';
import { type Hash, sipHash } from './sip-hash.ts';

/** Remembers keys for a while: memory of fixed size, shared by threads. */
export interface Marks {
  /** Remembers a key until a time; a later time wins. */
  set(key: string, until: number, now: number): void;
  has(key: string, now: number): boolean;
}

/** Marks in a shared table. Where it is full, those that would be over first are forgotten. */
export function sharedMarks(table: SharedTable): Marks {
  const hashKey = table.hashKey;
  const hash: Hash = { hi: 0, lo: 0 };
  return {
    set(key, until, now) {
      sipHash(hashKey, key, hash);
      table.lock(hash);
      try {
        const { index, found } = table.find(hash, now, true);
        if (index !== -1) table.set(index, found ? Math.max(until, table.value(index)) : until, 0);
      } finally {
        table.unlock(hash);
      }
    },
    has(key, now) {
      sipHash(hashKey, key, hash);
      table.lock(hash);
      try {
        const { index } = table.find(hash, now, false);
        return index !== -1 && table.value(index) > now;
      } finally {
        table.unlock(hash);
      }
    },
  };
}
