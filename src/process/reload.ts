/** Reloads of the config: one at a time, and of those that wait only the last, which reads what is there by then. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Loaded } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { ConfigWatch, filesReadWith } from '../config/watch.ts';
import type { Clock } from '../core/clock.ts';

/** Why the config is read again. */
export type ReloadCause = 'watch' | 'signal' | 'admin';

/** What is read again, and who hears of it. */
export interface ReloadsOptions {
  readonly clock: Clock;
  /** The YAML file. */
  readonly file: string;
  /** The config in force. */
  readonly config: Config;
  /** Reads and checks it; `readFile` for what it refers to. Rejects with every problem. */
  load(options: { readonly readFile: (path: string) => string }): Promise<Loaded>;
  readText(path: string): string;
  /** Puts it in force, or rejects and has changed nothing. */
  putInForce(loaded: Loaded): Promise<void>;
  /** It could not even be loaded. */
  onRefused(problems: string): void;
}

/** What operators are told. */
export interface ReloadStatus {
  readonly file: string;
  /** Files that are followed; empty where none are. */
  readonly followed: readonly string[];
  /** When the config in force was read, as a date. */
  readonly read: string;
  /** Why the one on disk is not in force. */
  readonly rejected?: string;
}

/** The config in force, and its reloads until it is disposed of. */
export class Reloads implements Disposable {
  readonly #options: ReloadsOptions;
  #watch: ConfigWatch | undefined;
  /** Files of `file:` references that the last reading asked for, also where it failed. */
  #referred = new Set<string>();
  #config: Config;
  #digest: string | undefined;
  #read: number;
  #rejected: string | undefined;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  /** Somebody has asked for it: it is done even where nothing has changed. */
  #asked = false;

  constructor(options: ReloadsOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#read = options.clock.wall();
  }

  /** Follows the files from now on; `referred` are those that the config in force has referred to. */
  async watch(referred: Iterable<string>): Promise<void> {
    this.#referred = new Set(referred);
    this.#watch = new ConfigWatch(this.#options.clock, () => void this.again('watch').catch(() => {})); // told by the event
    this.#follow();
    this.#digest = await digestOf(this.#config);
    // It may have changed before anybody followed it.
    await this.again('watch').catch(() => {});
  }

  /** Reads the config again and puts it in force; rejects with what is wrong, and nothing has changed. */
  again(cause: ReloadCause): Promise<void> {
    this.#asked ||= cause !== 'watch';
    if (this.#next === undefined) {
      const next = this.#running.then(() => this.#begin());
      this.#next = next;
      this.#running = next.catch(() => {});
    }
    return this.#next;
  }

  status(): ReloadStatus {
    return {
      file: this.#options.file,
      followed: this.#watch?.files ?? [],
      read: new Date(this.#read).toISOString(),
      ...(this.#rejected !== undefined && { rejected: this.#rejected }),
    };
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }

  async #begin(): Promise<void> {
    const asked = this.#asked;
    this.#asked = false;
    this.#next = undefined;
    try {
      await this.#reload(asked);
    } finally {
      this.#follow();
    }
  }

  async #reload(asked: boolean): Promise<void> {
    const { load, putInForce, onRefused, readText, clock } = this.#options;
    let loaded: Loaded;
    const referred = new Set<string>();
    const read = clock.wall();
    try {
      loaded = await load({
        readFile(path) {
          referred.add(path);
          return readText(path);
        },
      });
    } catch (error) {
      // One that is broken in the middle may not have come to all of them.
      this.#referred = this.#referred.union(referred);
      this.#rejected = (error as Error).message;
      onRefused(this.#rejected);
      throw error;
    }
    this.#referred = referred;
    const digest = await digestOf(loaded.config);
    // Whoever writes a file again with the same text, or asks for what the watch has done already, changes nothing.
    if (!asked && digest === this.#digest && this.#rejected === undefined) return;
    try {
      await putInForce(loaded);
    } catch (error) {
      this.#rejected = (error as Error).message;
      throw error;
    }
    this.#rejected = undefined;
    this.#config = loaded.config;
    this.#digest = digest;
    this.#read = read;
  }

  #follow(): void {
    this.#watch?.follow([this.#options.file, ...this.#referred, ...filesReadWith(this.#config)]);
  }
}

/** Tells one config from another, with the text of the files that are read with it. */
async function digestOf(config: Config): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(config));
  for (const file of filesReadWith(config)) {
    hash.update(`\0${file}\0`).update(await readFile(file).catch(() => 'gone'));
  }
  return hash.digest('base64url');
}
