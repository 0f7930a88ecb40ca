/** Places for so many at once, by key: counted over all threads, memory of fixed size. */

import { BucketLocks } from './bucket-locks.ts';
import { type Hash, type HashKey, sipHash } from './sip-hash.ts';

/** Places by key. */
export interface Places {
  /** A place, or undefined when all `max` are taken. Giving one back twice counts once. */
  take(key: string, max: number): Disposable | undefined;
  /** Places that are taken now, over all threads. */
  taken(key: string): number;
}

const SLOTS_PER_BUCKET = 8;
/** Before the buckets: the hash key, how many slots are in use, how many keys found no slot. */
const HEADER_WORDS = 4;
/** What is shared with other threads. */
export interface PlacesMemory {
  readonly buffer: SharedArrayBuffer;
  readonly buckets: number;
  /** Threads that may take places, numbered from 1. */
  readonly workers: number;
}

/**
 * Places in shared memory. Every slot has a count for each worker and their sum: what a worker held that died is its
 * column, which whoever replaces it sets to zero, and then the sum is made anew. A slot is free when its sum is zero;
 * where a bucket is full of keys that are in flight, a new key gets no place.
 */
export class SharedPlaces implements Places {
  readonly memory: PlacesMemory;
  readonly #words: Int32Array;
  readonly #locks: BucketLocks;
  readonly #hashesAt: number;
  readonly #sumsAt: number;
  readonly #countsAt: number;
  readonly #mask: number;
  readonly #worker: number;
  readonly #hashKey: HashKey;
  readonly #hash: Hash = { hi: 0, lo: 0 };

  /** Memory for so many keys, rounded up to a power of two: 12 bytes and 4 for each worker a key. */
  static allocate(keys: number, workers: number, random: (words: Uint32Array<ArrayBuffer>) => void): PlacesMemory {
    const buckets = 2 ** Math.ceil(Math.log2(Math.max(1, keys / SLOTS_PER_BUCKET)));
    const words = HEADER_WORDS + buckets + buckets * SLOTS_PER_BUCKET * (3 + workers);
    const buffer = new SharedArrayBuffer(words * 4);
    const key = new Uint32Array(2);
    random(key);
    new Uint32Array(buffer, 0, 2).set(key);
    return { buffer, buckets, workers };
  }

  /** `worker`: the number of the thread, from 1; RangeError where there is no such one. */
  constructor(memory: PlacesMemory, worker: number) {
    requireNumber(worker, memory);
    this.memory = memory;
    this.#words = new Int32Array(memory.buffer);
    const { buffer, buckets } = memory;
    this.#locks = new BucketLocks(new Int32Array(buffer, HEADER_WORDS * 4, buckets), worker);
    this.#hashesAt = HEADER_WORDS + buckets;
    this.#sumsAt = this.#hashesAt + buckets * SLOTS_PER_BUCKET * 2;
    this.#countsAt = this.#sumsAt + buckets * SLOTS_PER_BUCKET;
    this.#mask = memory.buckets - 1;
    this.#worker = worker;
    this.#hashKey = [this.#words[0]!, this.#words[1]!];
  }

  get capacity(): number {
    return this.memory.buckets * SLOTS_PER_BUCKET;
  }

  /** Keys that have something in flight. */
  get used(): number {
    return Atomics.load(this.#words, 2);
  }

  /** How often a new key found its bucket full of others in flight. */
  get overflows(): number {
    return Atomics.load(this.#words, 3);
  }

  take(key: string, max: number): Disposable | undefined {
    sipHash(this.#hashKey, key, this.#hash);
    const { hi, lo } = this.#hash;
    const bucket = lo & this.#mask;
    this.#locks.lock(bucket);
    try {
      const slot = this.#find(bucket, hi, lo);
      if (slot === -1) {
        Atomics.add(this.#words, 3, 1);
        return undefined;
      }
      const before = this.#words[this.#sumsAt + slot]!;
      if (before >= max) return undefined;
      if (before === 0) {
        this.#words[this.#hashesAt + slot * 2] = lo | 1;
        this.#words[this.#hashesAt + slot * 2 + 1] = hi;
        Atomics.add(this.#words, 2, 1);
      }
      this.#words[this.#column(slot)]! += 1;
      this.#words[this.#sumsAt + slot] = before + 1;
      return new Place(this, bucket, slot);
    } finally {
      this.#locks.unlock(bucket);
    }
  }

  taken(key: string): number {
    sipHash(this.#hashKey, key, this.#hash);
    const { hi, lo } = this.#hash;
    const bucket = lo & this.#mask;
    this.#locks.lock(bucket);
    try {
      for (let slot = bucket * SLOTS_PER_BUCKET; slot < (bucket + 1) * SLOTS_PER_BUCKET; slot += 1) {
        if (this.#is(slot, hi, lo)) return this.#words[this.#sumsAt + slot]!;
      }
      return 0;
    } finally {
      this.#locks.unlock(bucket);
    }
  }

  /** Gives a place back; of `Place` only. */
  giveBack(bucket: number, slot: number): void {
    this.#locks.lock(bucket);
    try {
      this.#words[this.#column(slot)]! -= 1;
      this.#words[this.#sumsAt + slot]! -= 1;
      if (this.#words[this.#sumsAt + slot] === 0) Atomics.sub(this.#words, 2, 1);
    } finally {
      this.#locks.unlock(bucket);
    }
  }

  /** A worker is gone: what it held is free, and so is the bucket that it may have been at. RangeError for no worker. */
  zeroWorker(worker: number): void {
    requireNumber(worker, this.memory);
    for (let bucket = 0; bucket < this.memory.buckets; bucket += 1) {
      this.#locks.release(bucket, worker);
      this.#locks.lock(bucket);
      try {
        for (let slot = bucket * SLOTS_PER_BUCKET; slot < (bucket + 1) * SLOTS_PER_BUCKET; slot += 1) {
          this.#words[this.#countsAt + slot * this.memory.workers + (worker - 1)] = 0;
          const sum = this.#sumOf(slot);
          // Also where the column was zero: it may have died between one word and the next.
          if (this.#words[this.#sumsAt + slot] !== 0 && sum === 0) Atomics.sub(this.#words, 2, 1);
          this.#words[this.#sumsAt + slot] = sum;
        }
      } finally {
        this.#locks.unlock(bucket);
      }
    }
  }

  /** The slot of a key, else one that is free; -1 where all are in flight. */
  #find(bucket: number, hi: number, lo: number): number {
    let free = -1;
    for (let slot = bucket * SLOTS_PER_BUCKET; slot < (bucket + 1) * SLOTS_PER_BUCKET; slot += 1) {
      if (this.#words[this.#sumsAt + slot] === 0) free = free === -1 ? slot : free;
      else if (this.#is(slot, hi, lo)) return slot;
    }
    return free;
  }

  #is(slot: number, hi: number, lo: number): boolean {
    const at = this.#hashesAt + slot * 2;
    return this.#words[at] === (lo | 1) && this.#words[at + 1] === hi;
  }

  /** The sum, counted anew. */
  #sumOf(slot: number): number {
    const from = this.#countsAt + slot * this.memory.workers;
    let sum = 0;
    for (let at = from; at < from + this.memory.workers; at += 1) sum += this.#words[at]!;
    return sum;
  }

  #column(slot: number): number {
    return this.#countsAt + slot * this.memory.workers + (this.#worker - 1);
  }
}

function requireNumber(worker: number, { workers }: PlacesMemory): void {
  if (!(Number.isInteger(worker) && worker >= 1 && worker <= workers))
    throw new RangeError(`no worker ${worker}: they are numbered from 1 to ${workers}`);
}

/** One place; the slot stays the key's for as long as somebody has a place in it. */
class Place implements Disposable {
  #places: SharedPlaces | undefined;
  readonly #bucket: number;
  readonly #slot: number;

  constructor(places: SharedPlaces, bucket: number, slot: number) {
    this.#places = places;
    this.#bucket = bucket;
    this.#slot = slot;
  }

  [Symbol.dispose](): void {
    const places = this.#places;
    this.#places = undefined;
    places?.giveBack(this.#bucket, this.#slot);
  }
}
