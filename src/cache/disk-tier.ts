/** The cache on disk: what the memory has, written beside the requests, for the next start. */

import type { Clock } from '../core/clock.ts';
import { bodyName, entryName, nameable } from './disk-entry.ts';
import type { DiskFolder } from './disk-folder.ts';
import { DiskLoad, type FoundEntry } from './disk-load.ts';
import { DiskShelf } from './disk-shelf.ts';
import type { GoneReason, StoreFollower } from './follower.ts';
import type { KeptAnswer } from './kept-answer.ts';
import type { Store } from './store.ts';
import type { CacheKey } from './stored.ts';
import type { Token } from './tokens.ts';

/** The most files that wait to be written; what comes above is not written. */
const MOST_WAITING = 1024;
/** How long nothing is written after a failure, in milliseconds: a full disk is not asked for every answer. */
const PAUSE_MS = 30_000;

/** What the tier tells. */
export interface DiskTold {
  /** It cannot be used, for people; once, and again only after it could be used between. The cache goes on in memory. */
  onProblem(problem: string): void;
  /** It can be used again. */
  onRecovered(): void;
}

/** What is on disk, and what has become of the rest. */
export interface DiskFigures {
  readonly bytes: number;
  readonly max_bytes: number;
  readonly entries: number;
  readonly bodies: number;
  readonly waiting: number;
  readonly loaded: number;
  /** Files that were thrown away at the start: torn, foreign, of another version. */
  readonly rejected: number;
  readonly last_rejection: string | null;
  /** Answers that were not written: too many waited, too large, or the disk failed. */
  readonly dropped: number;
  readonly problem: string | null;
}

/** Something to be brought to the disk; the latest for a name counts. */
type Job =
  | { readonly kind: 'write'; readonly key: CacheKey; readonly answer: KeptAnswer }
  | { readonly kind: 'remove'; readonly digest?: string }
  | { readonly kind: 'codings'; readonly digest: string }
  /** All that came before it is done. */
  | { readonly kind: 'barrier'; reach(): void };

/**
 * Follows a store: what it keeps is written, what it throws away is removed, one file after the other. Bodies are files
 * of their own and shared, as they are in memory. Only what the store has is on disk, so only answers that everybody
 * may see.
 *
 * An order to purge is carried out on disk when `settled` resolves: whoever answers the operator waits for it. The jobs
 * begin when what was there at the start has been read.
 */
export class DiskTier implements StoreFollower {
  readonly #store: Store;
  readonly #folder: DiskFolder;
  readonly #clock: Clock;
  readonly #told: DiskTold;
  readonly #shelf: DiskShelf;
  /** What is purged while the start reads is not taken over. */
  readonly #token: Token;
  readonly #jobs = new Map<string, Job>();
  /** Removals that failed: what they were for may come back at the next start, until they succeed. */
  readonly #owed = new Map<string, string | undefined>();
  #starting: Promise<void> | undefined;
  #state: 'reading' | 'on' | 'off' = 'reading';
  #barriers = 0;
  #draining = false;
  /** The file that is written just now. */
  #writing: string | undefined;
  /** The answer that comes from the disk just now, and need not be written. */
  #loading: FoundEntry | undefined;
  #problem: string | undefined;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #loaded = 0;
  #rejected = 0;
  #lastRejection: string | undefined;
  #dropped = 0;

  /** Follows the store from now on; `start` reads what is there. `maxBytes` is in bytes on the disk. */
  constructor(store: Store, folder: DiskFolder, maxBytes: number, clock: Clock, told: DiskTold) {
    this.#store = store;
    this.#folder = folder;
    this.#shelf = new DiskShelf(folder, maxBytes);
    this.#clock = clock;
    this.#told = told;
    this.#token = store.begin();
    store.follower = this;
  }

  /**
   * Reads what is there into the store, beside the traffic. Resolves when it has. Where that fails the tier is off until
   * the next start: what is left on disk is not known, and could not be purged.
   */
  start(): Promise<void> {
    this.#starting ??= this.#load().then(
      () => {
        this.#state = 'on';
        this.#run();
      },
      (error: Error) => {
        this.#state = 'off';
        this.#jobs.clear();
        this.#failed(error);
      },
    );
    return this.#starting;
  }

  /**
   * Resolves when all that came until now is on disk or gone from it. False where the disk failed: then answers that
   * were purged may come back at the next start.
   */
  async settled(): Promise<boolean> {
    await this.start();
    if (this.#state === 'off') return false;
    this.#retryOwed();
    // Not until nothing waits any more: under traffic that may be never.
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    this.#barriers += 1;
    this.#jobs.set(`until ${this.#barriers}`, { kind: 'barrier', reach });
    this.#run();
    await reached;
    if (this.#shelf.unsynced && this.#owed.size === 0) {
      await this.#shelf.sync().catch((error: Error) => this.#failed(error));
    }
    return this.#owed.size === 0 && !this.#shelf.unsynced;
  }

  figures(): DiskFigures {
    return {
      bytes: this.#shelf.index.bytes,
      max_bytes: this.#shelf.maxBytes,
      entries: this.#shelf.index.entries,
      bodies: this.#shelf.index.bodies,
      waiting: this.#jobs.size,
      loaded: this.#loaded,
      rejected: this.#rejected,
      last_rejection: this.#lastRejection ?? null,
      dropped: this.#dropped,
      problem: this.#problem ?? null,
    };
  }

  onKept(key: CacheKey, answer: KeptAnswer): void {
    if (this.#loading !== undefined) this.#shelf.index.add(this.#loading.name, this.#loading.bytes, answer);
    else if (nameable(answer)) this.#add(entryName(key, answer), { kind: 'write', key, answer });
    else this.#remove(entryName(key, answer));
  }

  onGrew(digest: string): void {
    if (this.#shelf.index.hasFile(digest)) this.#add(bodyName(digest), { kind: 'codings', digest });
  }

  onGone(key: CacheKey, answer: KeptAnswer, reason: GoneReason): void {
    // The one that replaces it has the same file, and as a rule the same body.
    if (reason !== 'replaced') this.#remove(entryName(key, answer));
  }

  #add(name: string, job: Job): void {
    if (this.#state === 'off') return;
    if (this.#jobs.size >= MOST_WAITING || this.#clock.now() < this.#pausedUntil) {
      this.#dropped += 1;
      // The one before must not come back in place of this one.
      if (job.kind === 'write') this.#remove(name);
      return;
    }
    this.#jobs.set(name, job);
    this.#run();
  }

  #remove(name: string): void {
    if (this.#state === 'off') return;
    this.#jobs.delete(name);
    // Before all was read, what the memory never wrote may be on disk all the same.
    if (this.#state === 'on' && !this.#shelf.index.has(name) && this.#writing !== name) return;
    this.#jobs.set(name, { kind: 'remove' });
    this.#run();
  }

  #run(): void {
    if (this.#state !== 'on' || this.#draining || this.#jobs.size === 0) return;
    this.#draining = true;
    void this.#drain();
  }

  async #drain(): Promise<void> {
    for (;;) {
      const next = this.#jobs.entries().next().value;
      if (next === undefined) break;
      const [name, job] = next;
      this.#jobs.delete(name);
      this.#writing = name;
      try {
        if (job.kind === 'barrier') job.reach();
        else if (job.kind === 'remove') await this.#shelf.remove(name, job.digest);
        else {
          // It may have vanished, and may be there again.
          if (this.#problem !== undefined) await this.#folder.prepare();
          const written =
            job.kind === 'write'
              ? await this.#shelf.write(name, job.key, job.answer)
              : await this.#shelf.writeCodings(job.digest, this.#store.body(job.digest)?.codings);
          if (!written) this.#dropped += 1;
          this.#worked();
        }
      } catch (error) {
        this.#failed(error as Error);
        if (job.kind === 'remove') this.#owed.set(name, job.digest);
        else this.#dropped += 1;
        // What was there before is out of date, and the body may be there already.
        if (job.kind === 'write') await this.#withdraw(name, job.answer.digest);
      }
      this.#writing = undefined;
    }
    this.#draining = false;
  }

  async #withdraw(name: string, digest: string): Promise<void> {
    try {
      await this.#shelf.remove(name, digest);
    } catch {
      this.#owed.set(name, digest);
    }
  }

  async #load(): Promise<void> {
    const { maxBytes, maxEntryBytes } = this.#store.limits;
    const load = new DiskLoad(this.#folder, maxEntryBytes);
    try {
      await this.#folder.prepare();
      const budget = Math.min(this.#shelf.maxBytes, maxBytes * 0.9 - this.#store.figures().bytes);
      const found = await load.entries(budget, this.#clock.wall());
      // The newest one last, as if it were used last.
      for (const entry of found.reverse()) await this.#takeOver(load, entry);
      await load.sweep(this.#shelf.index.files());
    } finally {
      this.#token[Symbol.dispose]();
      this.#rejected = load.rejected;
      this.#lastRejection = load.lastRejection;
    }
  }

  async #takeOver(load: DiskLoad, found: FoundEntry): Promise<void> {
    const { key, entry, name } = found;
    const { index } = this.#shelf;
    const { digest } = entry;
    const shared = index.hasFile(digest) ? this.#store.body(digest) : undefined;
    const read = shared === undefined ? await load.body(digest) : undefined;
    const body = shared ?? read;
    // The memory may have a newer one by now, which is written when its turn comes.
    if (body === undefined || this.#store.has(key, entry)) return this.#folder.remove(name);
    for (const [coding, bytes] of read?.files ?? []) index.addFile(digest, coding, bytes);
    this.#loading = found;
    const kept = this.#store.put(key, { ...entry, body: body.bytes, codings: body.codings }, this.#token);
    this.#loading = undefined;
    if (kept === undefined) await this.#shelf.remove(name, digest);
    else this.#loaded += 1;
  }

  #retryOwed(): void {
    for (const [name, digest] of this.#owed) {
      if (!this.#jobs.has(name))
        this.#jobs.set(name, digest === undefined ? { kind: 'remove' } : { kind: 'remove', digest });
    }
    this.#owed.clear();
    this.#run();
  }

  #worked(): void {
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    this.#pausedUntil = Number.NEGATIVE_INFINITY;
    this.#told.onRecovered();
    this.#retryOwed();
  }

  #failed(error: Error): void {
    // The folder has vanished, and what was in it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.#shelf.index.clear();
    this.#pausedUntil = this.#clock.now() + PAUSE_MS;
    if (this.#problem !== undefined) return;
    this.#problem = error.message;
    this.#told.onProblem(error.message);
  }
}
