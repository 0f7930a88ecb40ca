/** The codings of stored bodies: which bodies have some, and how they come. */

import type { Mirror } from '../../cache/mirror.ts';
import type { Store } from '../../cache/store.ts';
import type { StoredAnswer } from '../../cache/stored.ts';
import { getField, joinedField } from '../../core/headers.ts';
import type { PolicyServices } from '../../core/policy.ts';
import type { Fields } from '../../core/raw.ts';
import { CODING_NAMES, type CodingName } from '../../encoding/coding.ts';
import { DIGEST_FIELDS } from '../../encoding/digests.ts';
import { COMPRESSIBLE_TYPES, MediaTypes } from '../../encoding/media-types.ts';
import { NO_TRANSFORM } from '../../encoding/no-transform.ts';
import type { QuickCodings } from '../../encoding/quick-codings.ts';
import type { Variants as Maker } from '../../encoding/variants/variants.ts';
import { toldLength } from './question.ts';

/** Smaller bodies only grow, in bytes. */
const MIN_BYTES = 256;

const types = new MediaTypes(COMPRESSIBLE_TYPES);

/** What was queued for a body once: a coding that was not worth it, or failed, is not tried again. */
const askedFor = new WeakMap<ReadonlyMap<string, Uint8Array>, Set<string>>();

/** Makes variants of what is stored on a route. */
export class Variants {
  readonly #on: boolean;
  readonly #store: Store;
  readonly #maker: Maker;
  readonly #quick: QuickCodings;
  readonly #mirror: Mirror | undefined;
  /** What was found of stored answers, which never change: every hit asks. */
  readonly #varying = new WeakMap<StoredAnswer, boolean>();

  constructor(on: boolean, { store, maker, quick, mirror }: PolicyServices['cache']) {
    this.#on = on;
    this.#store = store;
    this.#maker = maker;
    this.#quick = quick;
    this.#mirror = mirror;
  }

  /** Whether an answer with these fields may be coded for those who ask for it. */
  codable(fields: Fields): boolean {
    if (!this.#on || getField(fields, 'content-encoding') !== undefined) return false;
    if (NO_TRANSFORM.test(joinedField(fields, 'cache-control') ?? '')) return false;
    for (let i = 0; i < fields.length; i += 2) if (DIGEST_FIELDS.has(fields[i]!)) return false;
    return types.of(getField(fields, 'content-type')).compressible;
  }

  /** The same before the body is here: one of untold length may be worth it. */
  mayVary(fields: Fields): boolean {
    return (toldLength(fields) ?? MIN_BYTES) >= MIN_BYTES && this.codable(fields);
  }

  /** Whether clients may get a stored answer in different codings. */
  varies(stored: StoredAnswer): boolean {
    let varies = this.#varying.get(stored);
    if (varies === undefined) {
      varies = stored.body.length >= MIN_BYTES && this.codable(stored.fields);
      this.#varying.set(stored, varies);
    }
    return varies;
  }

  /** What stands in for a coding that is not made yet; undefined where nothing does, as for the first who asks. */
  standIn(stored: StoredAnswer, coding: CodingName): Uint8Array | undefined {
    if (stored.status !== 200 || !this.varies(stored)) return undefined;
    return this.#quick.use(stored.digest, stored.body, coding);
  }

  /** The best coding is in use from now on. */
  best(stored: StoredAnswer, coding: CodingName): void {
    this.#quick.drop(stored.digest, coding);
  }

  /**
   * Has the codings made that are missing; they come later, one by one. Called for what was stored and for what is used:
   * where the queue was full, a later one asks again.
   */
  make(stored: StoredAnswer): void {
    if (stored.status !== 200 || !this.varies(stored)) return;
    const { codings } = stored;
    const asked = askedFor.get(codings) ?? new Set();
    const missing = CODING_NAMES.filter((name) => !codings.has(name) && !asked.has(name));
    if (missing.length === 0) return;
    const queued = this.#maker.make(stored, missing, (coding, coded) => {
      if (coded !== undefined) this.#add(stored.digest, coding, coded);
    });
    if (queued === undefined) return;
    for (const name of missing) asked.add(name);
    askedFor.set(codings, asked);
  }

  #add(digest: string, coding: string, coded: Uint8Array): void {
    // Another thread may have been quicker with it: that one is in use.
    if (!this.#store.addCoding(digest, coding, coded)) return;
    this.#mirror?.tell({ kind: 'coded', digest, coding, coded: this.#store.body(digest)!.codings.get(coding)! });
  }
}
