/** The stored answers: bounded in bytes, found by key, thrown away by age of use or by order. */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';
import { BodyPool, bodyCost, type PooledBody } from './body-pool.ts';
import type { GoneReason, StoreFollower } from './follower.ts';
import { type KeptAnswer, kept, ownCost, type Resource, sameVary } from './kept-answer.ts';
import { UncacheableMarks } from './marks.ts';
import { type PurgeOrder, type Reach, reachOf } from './purge.ts';
import { type CacheKey, keyText, type StoredAnswer } from './stored.ts';
import { type Outcome, Tally } from './tally.ts';
import { type CacheUrl, type Token, Tokens } from './tokens.ts';

/** How much is kept. */
export interface StoreLimits {
  /** Bytes of everything: bodies, codings, fields, keys and what they cost in memory beside. */
  readonly maxBytes: number;
  /** Bytes of one answer with its codings. */
  readonly maxEntryBytes: number;
  /** Answers of one key: one for each set of values of what Vary names. The one used longest ago goes. 16 if not given. */
  readonly maxVariants?: number;
}

/** What the store holds, and what has become of the rest. */
export interface StoreFigures {
  readonly bytes: number;
  readonly max_bytes: number;
  readonly keys: number;
  readonly entries: number;
  /** Different bodies; fewer than entries where hosts serve the same. */
  readonly bodies: number;
  readonly fills: number;
  readonly uncacheable: number;
  readonly evictions: number;
  readonly purged: number;
  /** Answers that came too late, after a purge, and those too large. */
  readonly refused: number;
  readonly too_large: number;
  /** Codings that were thrown away, since the answer would have become too large with them. */
  readonly dropped_codings: number;
}

const NONE: readonly KeptAnswer[] = [];
const NO_CODINGS: ReadonlyMap<string, Uint8Array> = new Map();

/**
 * The store of one process. Stale answers stay until they are pushed out or thrown away: they are what is served while
 * the origin fails. Nothing here waits, and nothing looks at time but the marks.
 */
export class Store {
  readonly limits: Readonly<Required<StoreLimits>>;
  readonly tally = new Tally();
  /** Follows what is kept; set before the first answer comes. */
  follower: StoreFollower | undefined;
  readonly #clock: Clock;
  readonly #resources: LRUCache<string, Resource>;
  readonly #bodies: BodyPool;
  readonly #tokens = new Tokens();
  readonly #marks: UncacheableMarks;
  /** Routes that have stored something: the same URL may be known by several. */
  readonly #routes = new Set<string>();
  #entries = 0;
  #evictions = 0;
  #purged = 0;
  #refused = 0;
  #tooLarge = 0;
  #droppedCodings = 0;

  /** `own`: puts bodies where they stay; by default where they need no more memory than they have bytes. */
  constructor(limits: StoreLimits, clock: Clock, own?: (bytes: Uint8Array) => Uint8Array) {
    if (limits.maxEntryBytes > limits.maxBytes) throw new RangeError('maxEntryBytes: expected maxBytes at most');
    this.limits = { maxVariants: 16, ...limits };
    this.#clock = clock;
    this.#bodies = new BodyPool(own);
    this.#marks = new UncacheableMarks(clock);
    this.#resources = new LRUCache({
      maxSize: limits.maxBytes,
      dispose: (resource, _text, reason) => {
        const why = reason === 'evict' ? 'evicted' : 'purged';
        const { answers } = resource;
        resource.answers = NONE;
        for (const answer of answers) this.#gone(resource.key, answer, why);
      },
    });
  }

  /** The answers of a key, the newest first, then as they were used; empty where there are none. Makes it the one used last. */
  get(key: CacheKey): readonly KeptAnswer[] {
    return this.#resources.get(keyText(key))?.answers ?? NONE;
  }

  /** The same, not counted as a use. */
  peek(key: CacheKey): readonly KeptAnswer[] {
    return this.#resources.peek(keyText(key))?.answers ?? NONE;
  }

  /** Whether there is an answer of the key with the same `vary`. Not counted as a use. */
  has(key: CacheKey, like: Pick<StoredAnswer, 'vary'>): boolean {
    return this.peek(key).some((answer) => sameVary(answer, like));
  }

  /** Counts what became of a request; `answer` where a stored one was used. */
  count(route: string, outcome: Outcome, answer?: KeptAnswer): void {
    this.tally.count(route, outcome);
    if (answer === undefined) return;
    answer.hits += 1;
    answer.usedAt = this.#clock.wall();
  }

  /**
   * A fill begins. The token is given to `put`, or disposed of: a purge that comes between reaches what the fill brings.
   * Without a key it is for many (what the disk brings at the start), and `put` does not end it.
   */
  begin(key?: CacheKey): Token {
    return this.#tokens.begin(key);
  }

  /**
   * Keeps an answer in place of the one with the same `vary`, and ends the token. Gives what is in the store now, or
   * undefined where it is not kept: a purge came between, or it is too large; then the one before is gone too, since it
   * is out of date.
   */
  put(key: CacheKey, stored: StoredAnswer, token: Token): KeptAnswer | undefined {
    const allowed = this.#tokens.mayStore(token, key, stored);
    if (token.key !== undefined) token[Symbol.dispose]();
    if (!allowed) {
      this.#refused += 1;
      return undefined;
    }
    const text = keyText(key);
    this.#marks.delete(key);
    if (bodyCost(stored.body, NO_CODINGS) + ownCost(text, [stored]) > this.limits.maxEntryBytes) {
      this.#tooLarge += 1;
      this.#without(text, (answer) => sameVary(answer, stored), 'purged');
      return undefined;
    }
    this.#routes.add(key.route);
    const answer = kept(stored, this.#bodies.hold(stored), this.#clock.wall());
    this.#entries += 1;
    const resource = this.#resources.peek(text) ?? { key, answers: NONE };
    const before = resource.answers;
    // The same bytes again, validated: the same answer for those who look at how often it is used.
    answer.hits = before.find((other) => sameVary(other, answer) && other.digest === answer.digest)?.hits ?? 0;
    // Who asks with ever new values of what Vary names pushes out what nobody uses first.
    const others = before.filter((other) => !sameVary(other, answer)).sort((a, b) => b.usedAt - a.usedAt);
    resource.answers = [answer, ...others].slice(0, this.limits.maxVariants);
    // The new one is held already, so that a body which both have is not let go between.
    for (const other of before)
      if (!resource.answers.includes(other)) this.#gone(key, other, sameVary(other, answer) ? 'replaced' : 'evicted');
    while (resource.answers.length > 1 && ownCost(text, resource.answers) > this.limits.maxEntryBytes) {
      const last = resource.answers.at(-1)!;
      resource.answers = resource.answers.slice(0, -1);
      this.#gone(key, last, 'evicted');
    }
    this.#fitCodings(answer.digest);
    // What it costs without its bodies, which the pool counts once.
    this.#resources.set(text, resource, { size: ownCost(text, resource.answers) });
    this.#makeRoom(text);
    this.follower?.onKept(key, answer);
    return answer;
  }

  /**
   * Adds a coding to a body, for all answers with it. One that does not fit is thrown away, not the answer: false then,
   * where nobody has the body any more, and where it has this coding already, which stays.
   */
  addCoding(digest: string, name: string, coded: Uint8Array): boolean {
    const body = this.#bodies.get(digest);
    if (body === undefined || body.codings.has(name)) return false;
    this.#bodies.code(body, name, coded);
    this.#fitCodings(digest);
    if (!body.codings.has(name)) return false;
    this.#makeRoom();
    this.follower?.onGrew(digest);
    return true;
  }

  /** The body with this digest, where any key has it: for what codes bodies, and to see whether it is still wanted. */
  body(digest: string): Pick<PooledBody, 'bytes' | 'codings'> | undefined {
    return this.#bodies.get(digest);
  }

  /** Throws away all answers of one key, or one of them; fills of the key that are under way are not stored. */
  delete(key: CacheKey, answer?: StoredAnswer): number {
    if (answer === undefined) this.#tokens.invalidate(key);
    return this.#without(keyText(key), (other) => answer === undefined || other === answer, 'purged');
  }

  /** An unsafe request has succeeded: throws away the URL in every route (RFC 9111 section 4.4). Gives how many answers. */
  invalidate({ scheme, host, target }: CacheUrl): number {
    let gone = 0;
    const every = (): boolean => true;
    for (const route of this.#routes) gone += this.#without(keyText({ scheme, host, target, route }), every, 'purged');
    // A route that has stored nothing yet may have a fill under way.
    this.#tokens.invalidate({ scheme, host, target });
    return gone;
  }

  /**
   * Throws away what an order or a predicate reaches, now and in the fills that are under way. Gives how many answers.
   * Looks at every key: for operators and deployments, not for requests. Throws a RangeError where the order is none.
   */
  purge(order: PurgeOrder | Reach): number {
    const reach = typeof order === 'function' ? order : reachOf(order);
    this.#tokens.purge(reach);
    this.#marks.clear();
    const reached: string[] = [];
    for (const [text, { key, answers }] of this.#resources.entries()) {
      if (answers.some((answer) => reach(key, answer))) reached.push(text);
    }
    let gone = 0;
    for (const text of reached) gone += this.#without(text, (answer, key) => reach(key, answer), 'purged');
    return gone;
  }

  /** Gives back a quarter of the memory, what was not used longest: for a process that has too little. */
  trim(): void {
    const goal = this.#bytes * 0.75;
    while (this.#bytes > goal && this.#resources.size > 0) this.#resources.pop();
  }

  /**
   * Hit-for-miss: what the key answers cannot be stored, for so many seconds. `among`: what requests say of themselves, so
   * that one which provokes such an answer marks nothing for the others.
   */
  markUncacheable(key: CacheKey, ttlS: number, among = ''): void {
    this.#marks.mark(key, ttlS, among);
  }

  isUncacheable(key: CacheKey, among = ''): boolean {
    return this.#marks.has(key, among);
  }

  /** All that is kept, the one used last first. For lists; changes nothing. */
  resources(): IterableIterator<Readonly<Resource>> {
    return this.#resources.values() as IterableIterator<Resource>;
  }

  figures(): StoreFigures {
    return {
      bytes: this.#bytes,
      max_bytes: this.limits.maxBytes,
      keys: this.#resources.size,
      entries: this.#entries,
      bodies: this.#bodies.size,
      fills: this.#tokens.size,
      uncacheable: this.#marks.size,
      evictions: this.#evictions,
      purged: this.#purged,
      refused: this.#refused,
      too_large: this.#tooLarge,
      dropped_codings: this.#droppedCodings,
    };
  }

  get #bytes(): number {
    return this.#resources.calculatedSize + this.#bodies.bytes;
  }

  /** Drops codings, the last one first, until the body fits with the others; counts it again. */
  #fitCodings(digest: string): void {
    const body = this.#bodies.get(digest)!;
    for (const name of [...body.codings.keys()].reverse()) {
      if (bodyCost(body.bytes, body.codings) <= this.limits.maxEntryBytes) break;
      body.codings.delete(name);
      this.#droppedCodings += 1;
    }
    this.#bodies.recount(body);
  }

  /** Pushes out what was not used longest until all fits; then older answers of the key itself. */
  #makeRoom(text?: string): void {
    const { maxBytes } = this.limits;
    while (this.#bytes > maxBytes && this.#resources.size > 1) this.#resources.pop();
    const resource = text === undefined ? undefined : this.#resources.peek(text);
    while (resource !== undefined && this.#bytes > maxBytes && resource.answers.length > 1) {
      const last = resource.answers.at(-1)!;
      this.#without(text!, (answer) => answer === last, 'evicted');
    }
  }

  #without(text: string, unwanted: (answer: KeptAnswer, key: CacheKey) => boolean, why: GoneReason): number {
    const resource = this.#resources.peek(text);
    if (resource === undefined) return 0;
    const { key, answers } = resource;
    const left = answers.filter((answer) => !unwanted(answer, key));
    if (left.length === answers.length) return 0;
    resource.answers = left;
    for (const answer of answers) if (!left.includes(answer)) this.#gone(key, answer, why);
    if (left.length === 0) this.#resources.delete(text);
    else this.#resources.set(text, resource, { size: ownCost(text, left) });
    return answers.length - left.length;
  }

  #gone(key: CacheKey, answer: KeptAnswer, why: GoneReason): void {
    this.#entries -= 1;
    if (why === 'evicted') this.#evictions += 1;
    else if (why === 'purged') this.#purged += 1;
    this.#bodies.release(this.#bodies.get(answer.digest)!);
    this.follower?.onGone(key, answer, why);
  }
}
