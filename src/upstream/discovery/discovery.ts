/** The contract of a discovery: the endpoints of an upstream, now and whenever they are others. */

import type { EndpointSpec } from '../upstream.ts';

/** What is told of a discovery, for log and metrics. */
export interface DiscoveryTold {
  /** There are other endpoints than before. `leftOut`: so many more were found than may be used. */
  onChanged(change: { added: string[]; removed: string[]; endpoints: number; leftOut: number }): void;
  /** Nobody could say, or what was said is no endpoint: the `kept` that were there before stay in use. */
  onFailed(problem: string, kept: number): void;
  /** After a failure it could be said again. */
  onRecovered(endpoints: number): void;
}

/** Where the endpoints of an upstream come from. Kept over reloads as long as it is the same. */
export interface Discovery extends Disposable {
  /** The endpoints; undefined as long as they have never been found. Never empty. */
  readonly specs: readonly EndpointSpec[] | undefined;
  /** Resolves when it was looked for endpoints once, whatever came of it. */
  readonly looked: Promise<void>;
  /** Begins to look for them, and goes on. A second call does nothing. */
  start(): void;
  /** Somebody could not reach an endpoint: looks sooner than it would have. */
  refresh(): void;
  /** Tells of every other set from now on; the function takes that back. */
  listen(onSpecs: (specs: readonly EndpointSpec[]) => void): () => void;
}

/** The endpoints that a config lists: they are there, and stay. */
export class ListedEndpoints implements Discovery {
  readonly specs: readonly EndpointSpec[];
  readonly looked = Promise.resolve();

  constructor(specs: readonly EndpointSpec[]) {
    this.specs = specs;
  }

  start(): void {}
  refresh(): void {}
  listen(): () => void {
    return () => {};
  }
  [Symbol.dispose](): void {}
}

/** The endpoints that are in use, and what a new set changes about them. */
export class EndpointSet {
  specs: readonly EndpointSpec[] | undefined;
  readonly #told: DiscoveryTold;
  readonly #listeners = new Set<(specs: readonly EndpointSpec[]) => void>();
  #failing = false;

  constructor(told: DiscoveryTold) {
    this.#told = told;
  }

  listen(onSpecs: (specs: readonly EndpointSpec[]) => void): () => void {
    this.#listeners.add(onSpecs);
    return () => this.#listeners.delete(onSpecs);
  }

  /** Puts a set in use; tells where it is another one. */
  found(specs: readonly EndpointSpec[], leftOut: number): void {
    if (this.#failing) this.#told.onRecovered(specs.length);
    this.#failing = false;
    const before = new Map(this.specs?.map(({ address, weight }) => [address, weight]));
    const now = new Map(specs.map(({ address, weight }) => [address, weight]));
    const same = before.size === now.size && [...now].every(([address, weight]) => before.get(address) === weight);
    if (same) return;
    this.specs = specs;
    this.#told.onChanged({
      added: [...now.keys()].filter((address) => !before.has(address)),
      removed: [...before.keys()].filter((address) => !now.has(address)),
      endpoints: now.size,
      leftOut,
    });
    for (const listener of this.#listeners) listener(specs);
  }

  /** Those before stay. */
  failed(problem: string): void {
    this.#failing = true;
    this.#told.onFailed(problem, this.specs?.length ?? 0);
  }
}
