import { CATALOGUE } from '../core/catalogue.ts';

/** What stands for a label value that is not in its set: a set of labels never grows by what others send. */
export const OTHER = 'other';

/** A status as three digits. */
export function statusLabel(status: number): string {
  return Number.isInteger(status) && status >= 100 && status <= 999 ? String(status) : OTHER;
}

/** A gRPC status code, 0 to 16; empty where the dialect has none. */
export function grpcLabel(said: string | undefined): string {
  if (said === undefined || said === '') return '';
  return /^(?:\d|1[0-6])$/.test(said) ? said : OTHER;
}

/** A code of the catalogue. */
export function codeLabel(code: string): string {
  return Object.hasOwn(CATALOGUE, code) ? code : OTHER;
}

/** Values come from the config or from DNS, so they are few; but over months, endpoints come and go. */
const MAX_VALUES = 1000;

/** A label whose values are not known beforehand: the first `max` are kept, the rest are one. */
export class BoundedLabel {
  readonly #max: number;
  readonly #values = new Set<string>();

  constructor(max: number = MAX_VALUES) {
    this.#max = max;
  }

  of(value: string): string {
    if (this.#values.has(value)) return value;
    if (this.#values.size >= this.#max) return OTHER;
    this.#values.add(value);
    return value;
  }
}
