/**
 * Locks of buckets in shared memory: what is done to a bucket is done whole, by one thread at a time. A lock holds the
 * number of the thread that has it, so that what a dead thread has locked can be freed. Nothing takes long in there: a
 * thread spins, and only then sleeps, never longer than a few milliseconds, because a wake-up may be missed when a
 * holder dies.
 */

/** How often a lock is tried before the thread sleeps on it. */
const SPINS = 200;
/** How long a thread sleeps before it looks again, in milliseconds. */
const SLEEP_MS = 5;
/** Set beside the holder's number by whoever sleeps: without it nobody is woken, which is most of what a lock costs. */
const AWAITED = 0x4000_0000;

/** The locks of one table as one thread sees them. */
export class BucketLocks {
  readonly #words: Int32Array;
  readonly #count: number;
  readonly #owner: number;

  /** `words`: one for each bucket; `owner`: the number of the thread, from 1. */
  constructor(words: Int32Array, owner: number) {
    this.#words = words;
    this.#count = words.length;
    this.#owner = owner;
  }

  /** Every `lock` is followed by one `unlock` of the same bucket, whatever happens between. */
  lock(bucket: number): void {
    for (let spins = 0; Atomics.compareExchange(this.#words, bucket, 0, this.#owner) !== 0; spins += 1) {
      if (spins >= SPINS) this.#sleep(bucket);
    }
  }

  unlock(bucket: number): void {
    if ((Atomics.exchange(this.#words, bucket, 0) & AWAITED) !== 0) Atomics.notify(this.#words, bucket);
  }

  /** Frees the lock that a thread has which is gone; whoever replaces the thread calls it. */
  release(bucket: number, owner: number): void {
    const holder = Atomics.load(this.#words, bucket);
    if ((holder & ~AWAITED) !== owner) return;
    if (Atomics.compareExchange(this.#words, bucket, holder, 0) === holder) Atomics.notify(this.#words, bucket);
    else this.release(bucket, owner); // somebody began to wait
  }

  /** The same for every bucket. */
  releaseAll(owner: number): void {
    for (let bucket = 0; bucket < this.#count; bucket += 1) this.release(bucket, owner);
  }

  #sleep(bucket: number): void {
    const holder = Atomics.load(this.#words, bucket);
    if (holder === 0) return;
    const awaited = holder | AWAITED;
    if (holder !== awaited && Atomics.compareExchange(this.#words, bucket, holder, awaited) !== holder) return;
    Atomics.wait(this.#words, bucket, awaited, SLEEP_MS);
  }
}
