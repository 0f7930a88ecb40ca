/** Those who wait for what is not there yet: each looks at once, and again whenever something may have changed. */
export class Lookout {
  readonly #looks = new Set<() => void>();

  /** Something may have changed. */
  look(): void {
    for (const look of this.#looks) look();
  }

  /** Resolves when this holds; the test's own timeout ends a vain wait. */
  until(holds: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (!holds()) return;
      this.#looks.delete(look);
      resolve();
    };
    this.#looks.add(look);
    look();
    return promise;
  }

  /** Resolves with what was found: the first that is not undefined. */
  async for<T>(find: () => T | undefined): Promise<T> {
    let found: T | undefined;
    await this.until(() => {
      found = find();
      return found !== undefined;
    });
    return found as T;
  }
}
