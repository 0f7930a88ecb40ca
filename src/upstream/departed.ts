/** Endpoints that have left an upstream: one that comes back within a minute is who it was. */

import type { Clock } from '../core/clock.ts';
import type { Endpoint } from './endpoint.ts';

/** A name that flaps is back by then. In milliseconds. */
const STAY_MS = 60_000;
/** The first to have left is forgotten for one beyond this number. */
const MAX_ENDPOINTS = 256;

/** Nobody is sent to them any more, and their sessions end with their last streams; what is known of them is kept. */
export class Departed {
  readonly #clock: Clock;
  readonly #left = new Map<string, { readonly endpoint: Endpoint; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(endpoint: Endpoint): void {
    endpoint.drain();
    this.#forget();
    this.#left.set(endpoint.name, { endpoint, at: this.#clock.now() });
    if (this.#left.size > MAX_ENDPOINTS) this.#left.delete(this.#left.keys().next().value!);
  }

  /** The endpoint of this name, with sessions to come; it is no longer among those that left. */
  comeBack(name: string): Endpoint | undefined {
    this.#forget();
    const found = this.#left.get(name)?.endpoint;
    this.#left.delete(name);
    found?.revive();
    return found;
  }

  /** Ends the streams that they still have. */
  destroy(): void {
    for (const { endpoint } of this.#left.values()) endpoint.destroy();
    this.#left.clear();
  }

  #forget(): void {
    for (const [name, { at }] of this.#left) {
      if (this.#clock.now() - at < STAY_MS) return;
      this.#left.delete(name);
    }
  }
}
