/** Waits until an older generation is over in every worker that had it. */
export class GenerationEnds {
  readonly #waiting = new Map<number, { readonly left: Set<number>; readonly resolve: () => void }>();

  /** Resolves when generation `id` is over in all these threads, by their numbers. */
  over(id: number, threads: Iterable<number>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const left = new Set(threads);
    if (left.size === 0) resolve();
    else this.#waiting.set(id, { left, resolve });
    return promise;
  }

  /** It is over in one. */
  overIn(id: number, thread: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || !waiting.left.delete(thread) || waiting.left.size > 0) return;
    this.#waiting.delete(id);
    waiting.resolve();
  }

  /** A thread is gone, and every generation with it. */
  gone(thread: number): void {
    for (const id of [...this.#waiting.keys()]) this.overIn(id, thread);
  }
}
