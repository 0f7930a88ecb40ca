/** Open connections by thread, in shared memory: the main thread counts one when it hands it over, its worker when it closes. */

const BYTES = Int32Array.BYTES_PER_ELEMENT;

/** A number for each thread, from 1. */
export class ConnectionColumns {
  readonly memory: SharedArrayBuffer;
  readonly #counts: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#counts = new Int32Array(memory);
  }

  /** Memory for threads with numbers up to `threads`. */
  static allocate(threads: number): SharedArrayBuffer {
    return new SharedArrayBuffer(threads * BYTES);
  }

  opened(thread: number): void {
    Atomics.add(this.#counts, thread - 1, 1);
  }

  closed(thread: number): void {
    Atomics.sub(this.#counts, thread - 1, 1);
  }

  /** A thread is gone, and its connections with it. */
  zero(thread: number): void {
    Atomics.store(this.#counts, thread - 1, 0);
  }

  of(thread: number): number {
    return Atomics.load(this.#counts, thread - 1);
  }

  /** Over all threads; the name is that of the count which listeners of one thread share. */
  get open(): number {
    let sum = 0;
    for (let at = 0; at < this.#counts.length; at += 1) sum += Atomics.load(this.#counts, at);
    return sum;
  }
}
