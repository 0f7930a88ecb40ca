/** A list of networks in a file: one a line, with comments. Read again when the file changes. */

import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { prefixOf } from './network.ts';
import { type Prefix, PrefixTable } from './prefix-table.ts';

/** The largest file that is read, in bytes: about a million networks. */
const MAX_BYTES = 16_777_216;
/** How often the file is looked at where nothing tells of changes (network file systems), in milliseconds. */
const LOOK_MS = 10_000;
/** A file is read when it has not changed for so long, in milliseconds: half of what somebody writes is no list. */
const SETTLE_MS = 50;
/** One that never comes to rest is read all the same after so many rounds: what adds to it may be an attack. */
const MAX_ROUNDS = 20;

/** What is told of a list that was read again, or could not be. */
export interface ListTold {
  onReloaded(size: number): void;
  /** The one before stays in use. */
  onFailed(problem: string): void;
}

/** The networks of a text; throws an Error that names the file and the line. */
export function parseList(text: string, file: string): Prefix[] {
  const prefixes: Prefix[] = [];
  let line = 0;
  for (const raw of text.split('\n')) {
    line += 1;
    const mark = raw.indexOf('#');
    const entry = (mark === -1 ? raw : raw.slice(0, mark)).trim();
    if (entry === '') continue;
    try {
      prefixes.push(prefixOf(entry));
    } catch (error) {
      throw new Error(`${file}:${line}: ${(error as Error).message}, not '${entry.slice(0, 64)}'`);
    }
  }
  return prefixes;
}

function read(file: string): PrefixTable {
  const stat = statSync(file);
  if (!stat.isFile()) throw new Error(`${file}: expected a file`);
  if (stat.size > MAX_BYTES) throw new Error(`${file}: has ${stat.size} bytes, expected ${MAX_BYTES} at most`);
  return new PrefixTable(parseList(readFileSync(file, 'utf8'), file));
}

/** A list that follows its file. */
export class ListFile implements Disposable {
  readonly file: string;
  table: PrefixTable;
  readonly #clock: Clock;
  readonly #told: ListTold;
  #watcher: FSWatcher | undefined;
  #seen: string;
  #cancelLook: () => void;
  #cancelSettle: (() => void) | undefined;

  /** Reads the file; throws where it cannot be used. */
  constructor(file: string, clock: Clock, told: ListTold) {
    this.file = file;
    this.#clock = clock;
    this.#told = told;
    this.#seen = stampOf(file);
    this.table = read(file);
    this.#cancelLook = clock.after(LOOK_MS, () => this.#lookAgain());
    try {
      // The folder, not the file: editors and Kubernetes put another file, or another link, in its place.
      this.#watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
        if (name === null || name === basename(file) || name.startsWith('..')) this.#changed();
      });
      this.#watcher.on('error', () => {});
    } catch {
      // Where nothing tells, looking does.
    }
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
    this.#cancelLook();
    this.#cancelSettle?.();
  }

  #lookAgain(): void {
    this.#cancelLook = this.#clock.after(LOOK_MS, () => this.#lookAgain());
    this.#changed();
  }

  #changed(): void {
    if (this.#cancelSettle !== undefined) return;
    const stamp = stampOf(this.file);
    if (stamp !== this.#seen) this.#settle(stamp, 1);
  }

  #settle(stamp: string, round: number): void {
    this.#cancelSettle = this.#clock.after(SETTLE_MS, () => {
      this.#cancelSettle = undefined;
      const now = stampOf(this.file);
      if (now !== stamp && round < MAX_ROUNDS) this.#settle(now, round + 1);
      else this.#read(now);
    });
  }

  #read(stamp: string): void {
    this.#seen = stamp;
    try {
      this.table = read(this.file);
    } catch (error) {
      this.#told.onFailed((error as Error).message);
      return;
    }
    this.#told.onReloaded(this.table.size);
  }
}

/** Tells one version of a file from another, also behind a link. */
function stampOf(file: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(file);
    // ctime too: whoever copies a file may set its mtime.
    return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return 'gone';
  }
}
