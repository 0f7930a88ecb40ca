/** The TLS of one listener, read again when its files change. What cannot be used changes nothing. */

import type { Clock } from '../core/clock.ts';
import { FollowedFile } from '../core/followed-file.ts';
import type { TlsSettings } from '../transport/tls.ts';
import { prepareFolder } from './acme/files.ts';
import { filesOf, type ListenerTls, type ReadTls, readTls } from './tls-files.ts';

/** Files are read so long after the first of them has changed, in milliseconds: a certificate and its key are two. */
const QUIET_MS = 100;
/** What cannot be used is looked at once more after so long, in milliseconds, before anybody is told: the other file may come. */
const PATIENCE_MS = 1000;

/** What the TLS of a listener is read from, and who hears of a change. */
export interface FollowedTlsOptions {
  readonly listener: string;
  readonly config: ListenerTls;
  /** Where the development certificate is kept. */
  readonly folder: string;
  readonly clock: Clock;
  /** Puts other certificates in use; rejects where that cannot be done. */
  use(listener: string, settings: TlsSettings): Promise<void>;
  /** Others are in use. */
  onLoaded(now: ReadTls, before: ReadTls): void;
  /** Those in the files cannot be used; the ones before stay. */
  onRefused(problem: string): void;
}

/** The TLS of one listener while it is in use. */
export class FollowedTls implements Disposable {
  readonly config: ListenerTls;
  /** What is wrong with the files, while others are in use than they have. */
  problem: string | undefined;
  readonly #options: FollowedTlsOptions;
  readonly #files: FollowedFile[];
  #current: ReadTls;
  #begun = false;
  #reading = false;
  /** Something has changed that has not been read. */
  #stale = false;
  /** It is about to be read. */
  #due = false;
  #cancel: () => void = () => {};
  #closed = false;

  private constructor(options: FollowedTlsOptions, files: FollowedFile[], current: ReadTls) {
    this.#options = options;
    this.config = options.config;
    this.#files = files;
    this.#current = current;
  }

  /** Reads for the first time; rejects with what is wrong. */
  static async load(options: FollowedTlsOptions): Promise<FollowedTls> {
    const { config, clock, folder } = options;
    let followed: FollowedTls | undefined;
    let changed = false;
    if (config.acme !== undefined) await prepareFolder(config.acme);
    // Before they are read, so that no change is missed.
    const files = filesOf(config).map(
      (file) =>
        new FollowedFile(file, clock, () => {
          if (followed === undefined) changed = true;
          else followed.#changed();
        }),
    );
    try {
      followed = new FollowedTls(options, files, await readTls(config, folder, clock.wall(), true));
    } catch (error) {
      for (const file of files) file[Symbol.dispose]();
      throw error;
    }
    followed.#stale = changed;
    return followed;
  }

  get current(): ReadTls {
    return this.#current;
  }

  /** The listener is there: changes are put in use from now on. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    if (this.#stale) this.#changed();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#cancel();
    for (const file of this.#files) file[Symbol.dispose]();
  }

  #changed(): void {
    // What is to be read soon is read with it: changes without end do not put it off.
    if (this.#due) return;
    this.#stale = true;
    if (!this.#begun || this.#reading || this.#closed) return;
    this.#due = true;
    this.#readAfter(QUIET_MS, PATIENCE_MS);
  }

  #readAfter(ms: number, patienceMs: number): void {
    this.#cancel();
    this.#cancel = this.#options.clock.after(ms, () => void this.#read(patienceMs));
  }

  async #read(patienceMs: number): Promise<void> {
    const { config, folder, clock, listener, use, onLoaded, onRefused } = this.#options;
    this.#reading = true;
    this.#due = false;
    this.#stale = false;
    let problem: string | undefined;
    const before = this.#current;
    try {
      // What was issued once gives way to no stand-in.
      const next = await readTls(config, folder, clock.wall(), false);
      if (!this.#closed && !same(next, before)) {
        await use(listener, next.settings);
        this.#current = next;
      }
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    this.#reading = false;
    if (this.#closed) return;
    if (this.#stale) this.#changed();
    else if (problem !== undefined && patienceMs > 0) this.#readAfter(patienceMs, 0);
    else if (problem !== undefined) {
      this.problem = problem;
      onRefused(problem);
    }
    if (problem !== undefined) return;
    const wasWrong = this.problem !== undefined;
    this.problem = undefined;
    if (this.#current !== before || wasWrong) onLoaded(this.#current, before);
  }
}

function same(one: ReadTls, other: ReadTls): boolean {
  return JSON.stringify(one.settings) === JSON.stringify(other.settings);
}
