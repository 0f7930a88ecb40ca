/** The flights of one route that are under way. */

import { keyText } from '../../cache/stored.ts';
import type { Flight } from './flight.ts';
import type { Question } from './question.ts';

/** More answers than these are not fetched for the store at once: each may hold a whole body. */
const MOST_FLIGHTS = 256;

/** Flights by key. */
export class Flights {
  readonly #byKey = new Map<string, Flight[]>();
  #count = 0;

  get full(): boolean {
    return this.#count >= MOST_FLIGHTS;
  }

  /** One that the question may wait for. */
  find(question: Question): Flight | undefined {
    if (this.#count === 0) return undefined;
    return this.#byKey.get(keyText(question.key))?.find((flight) => flight.takes(question));
  }

  add(flight: Flight): void {
    const key = keyText(flight.question.key);
    const beside = this.#byKey.get(key);
    if (beside === undefined) this.#byKey.set(key, [flight]);
    else beside.push(flight);
    this.#count += 1;
  }

  remove(flight: Flight): void {
    const key = keyText(flight.question.key);
    const left = this.#byKey.get(key)?.filter((other) => other !== flight) ?? [];
    if (left.length === (this.#byKey.get(key)?.length ?? 0)) return;
    this.#count -= 1;
    if (left.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, left);
  }
}
