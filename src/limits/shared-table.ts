/**
 * A table of fixed size in shared memory: 64-bit hash of a key to one number, the same for every thread that has the
 * buffer. Buckets of eight slots, each bucket with a lock of its own, so that what is done to a slot is done whole.
 *
 * What is evicted when a bucket is full: the slot whose number is lowest. With GCRA the number is a time in the future
 * that grows with every request, so those that asked most stay longest, and a flood of new keys evicts itself.
 * A slot that is held (its key is exhausted, or is being refused) is never evicted; a bucket full of such slots takes no
 * new key.
 */

import { BucketLocks } from './bucket-locks.ts';
import type { Hash, HashKey } from './sip-hash.ts';

const SLOTS_PER_BUCKET = 8;
/** Bytes of a slot: hash (8), value (8), the time up to which it is held (8). */
const SLOT_BYTES = 24;
const BUCKET_BYTES = SLOTS_PER_BUCKET * SLOT_BYTES;
/** Before the buckets: the hash key (2 words), how many slots are in use, how many buckets were found full. */
const HEADER_BYTES = 16;
/** What is shared with other threads. */
export interface SharedTableMemory {
  readonly buffer: SharedArrayBuffer;
  readonly buckets: number;
}

/** A slot while its bucket is locked. */
export interface Slot {
  /** Where it stands in the table; -1 where the bucket takes no new key. */
  index: number;
  found: boolean;
}

/** One thread's view of the table. */
export class SharedTable {
  readonly memory: SharedTableMemory;
  readonly #header: Int32Array;
  readonly #locks: BucketLocks;
  readonly #hashes: Int32Array;
  readonly #values: Float64Array;
  readonly #heldUntil: Float64Array;
  readonly #mask: number;
  readonly #slot: Slot = { index: -1, found: false };

  /** Memory for so many slots, rounded up to a power of two, with a key of its own. */
  static allocate(slots: number, random: (words: Uint32Array<ArrayBuffer>) => void): SharedTableMemory {
    const buckets = 2 ** Math.ceil(Math.log2(Math.max(1, slots / SLOTS_PER_BUCKET)));
    const buffer = new SharedArrayBuffer(HEADER_BYTES + buckets * 8 + buckets * BUCKET_BYTES);
    const key = new Uint32Array(2);
    random(key);
    new Uint32Array(buffer, 0, 2).set(key);
    return { buffer, buckets };
  }

  /** `owner`: the number of the thread, from 1; it stands in the locks that the thread has. */
  constructor(memory: SharedTableMemory, owner: number) {
    const { buffer, buckets } = memory;
    const slots = buckets * SLOTS_PER_BUCKET;
    let at = 0;
    const take = (bytes: number): number => {
      const from = at;
      at += bytes;
      return from;
    };
    this.memory = memory;
    this.#mask = buckets - 1;
    this.#header = new Int32Array(buffer, take(HEADER_BYTES), 4);
    // Room for two words a bucket: whole multiples of eight keep the numbers behind them aligned.
    this.#locks = new BucketLocks(new Int32Array(buffer, take(buckets * 8), buckets), owner);
    this.#values = new Float64Array(buffer, take(slots * 8), slots);
    this.#heldUntil = new Float64Array(buffer, take(slots * 8), slots);
    this.#hashes = new Int32Array(buffer, take(slots * 8), slots * 2);
  }

  /** The key for `sipHash`. */
  get hashKey(): HashKey {
    return [this.#header[0]!, this.#header[1]!];
  }

  get capacity(): number {
    return this.#values.length;
  }

  /** Slots in use, those that are over and not yet reused included. */
  get used(): number {
    return Atomics.load(this.#header, 2);
  }

  /** How often a new key found its bucket full of held ones. */
  get overflows(): number {
    return Atomics.load(this.#header, 3);
  }

  /** Locks the bucket of a hash. Every `lock` is followed by one `unlock` of the same hash, whatever happens between. */
  lock(hash: Hash): void {
    this.#locks.lock(hash.lo & this.#mask);
  }

  unlock(hash: Hash): void {
    this.#locks.unlock(hash.lo & this.#mask);
  }

  /** Frees what a thread that is gone has locked; whoever replaces the thread calls it. */
  releaseOwner(owner: number): void {
    this.#locks.releaseAll(owner);
  }

  /**
   * The slot of a hash, in a locked bucket; with `claim` a new one where there is none: a free one, one whose number is
   * not above `now`, else the lowest that is not held. Valid until the next call.
   */
  find(hash: Hash, now: number, claim: boolean): Slot {
    const slot = this.#slot;
    const first = (hash.lo & this.#mask) * SLOTS_PER_BUCKET;
    const lo = hash.lo | 1; // so that no key's hash is that of a free slot
    let worst = -1;
    let lowest = Number.POSITIVE_INFINITY;
    for (let index = first; index < first + SLOTS_PER_BUCKET; index += 1) {
      const foundLo = this.#hashes[index * 2]!;
      if (foundLo === lo && this.#hashes[index * 2 + 1] === hash.hi) {
        slot.index = index;
        slot.found = true;
        return slot;
      }
      const value = foundLo === 0 || this.#values[index]! <= now ? Number.NEGATIVE_INFINITY : this.#values[index]!;
      if (value < lowest && !(value > Number.NEGATIVE_INFINITY && this.#heldUntil[index]! > now)) {
        lowest = value;
        worst = index;
      }
    }
    slot.found = false;
    slot.index = -1;
    if (!claim) return slot;
    if (worst === -1) {
      Atomics.add(this.#header, 3, 1);
      return slot;
    }
    if (this.#hashes[worst * 2] === 0) Atomics.add(this.#header, 2, 1);
    this.#hashes[worst * 2] = lo;
    this.#hashes[worst * 2 + 1] = hash.hi;
    this.#values[worst] = 0;
    this.#heldUntil[worst] = 0;
    slot.index = worst;
    return slot;
  }

  value(index: number): number {
    return this.#values[index]!;
  }

  /** Up to when it is not evicted. */
  heldUntil(index: number): number {
    return this.#heldUntil[index]!;
  }

  /** `heldUntil`: it is not evicted before; 0 where it may be. */
  set(index: number, value: number, heldUntil: number): void {
    this.#values[index] = value;
    this.#heldUntil[index] = heldUntil;
  }

  free(index: number): void {
    this.#hashes[index * 2] = 0;
    this.#hashes[index * 2 + 1] = 0;
    Atomics.sub(this.#header, 2, 1);
  }
}
