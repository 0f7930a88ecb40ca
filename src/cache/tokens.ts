/** Fills that are under way, so that a purge reaches what is not stored yet. */

import type { Reach } from './purge.ts';
import { type CacheKey, keyText, type StoredAnswer } from './stored.ts';

/** The most purges that one token remembers; what lives through more is not stored. */
const MOST_ORDERS = 64;
/** The most invalidated URLs that a token for many keys remembers. */
const MOST_URLS = 10_000;

/** Taken when a fill begins, given back with what it got, or disposed of where it got nothing. */
export interface Token extends Disposable {
  /** Whose fill it is; undefined for one of many keys. */
  readonly key: CacheKey | undefined;
}

/** A URL in whichever route. */
export type CacheUrl = Omit<CacheKey, 'route'> & { readonly route?: string };

class Held implements Token {
  readonly key: CacheKey | undefined;
  readonly text: string | undefined;
  refused = false;
  readonly orders: Reach[] = [];
  readonly urls = new Set<string>();
  readonly #end: (held: Held) => void;

  constructor(key: CacheKey | undefined, end: (held: Held) => void) {
    this.key = key;
    this.text = key && keyText(key);
    this.#end = end;
  }

  addOrder(reach: Reach): void {
    if (this.orders.length < MOST_ORDERS) this.orders.push(reach);
    else this.refused = true;
  }

  addUrl(url: CacheUrl): void {
    if (this.key !== undefined) {
      const same = urlText(this.key) === urlText(url) && (url.route ?? this.key.route) === this.key.route;
      if (same) this.refused = true;
    } else if (this.urls.size < MOST_URLS) this.urls.add(urlText(url));
    else this.refused = true;
  }

  [Symbol.dispose](): void {
    this.#end(this);
  }
}

/** The tokens that are out: as many as there are fills. */
export class Tokens {
  readonly #out = new Set<Held>();

  /** How many fills are under way; what the start reads is none. */
  get size(): number {
    let fills = 0;
    for (const { key } of this.#out) if (key !== undefined) fills += 1;
    return fills;
  }

  /** A token for one key; for all that come, where there is none. */
  begin(key?: CacheKey): Token {
    const held = new Held(key, (ended) => this.#out.delete(ended));
    this.#out.add(held);
    return held;
  }

  /** Whether what a fill got may be stored: its token is out, of this key, and no purge reached it since. */
  mayStore(token: Token, key: CacheKey, answer: StoredAnswer): boolean {
    const held = token as Held;
    if (held.refused || !this.#out.has(held)) return false;
    if (held.text !== undefined && held.text !== keyText(key)) return false;
    return !held.urls.has(urlText(key)) && !held.orders.some((reach) => reach(key, answer));
  }

  /** A URL was invalidated, in one route or in all. */
  invalidate(url: CacheUrl): void {
    for (const held of this.#out) held.addUrl(url);
  }

  /** Something was purged: what is reached is known when the answer is. */
  purge(reach: Reach): void {
    for (const held of this.#out) held.addOrder(reach);
  }
}

function urlText({ scheme, host, target }: CacheUrl): string {
  return `${scheme}://${host} ${target}`;
}
