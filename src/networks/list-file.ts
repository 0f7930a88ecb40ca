/** A list of networks in a file: one a line, with comments. Read again when the file changes. */

import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { canonicalPrefix, parseNetwork } from './network.ts';
import { type Prefix, PrefixTable } from './prefix-table.ts';

/** The largest file that is read, in bytes: a million IPv6 networks. */
const MAX_BYTES = 50_000_000;
/** How often the file is looked at where nothing tells of changes (network file systems), in milliseconds. */
const LOOK_MS = 10_000;
/** Changes that come together are read once, in milliseconds. */
const SETTLE_MS = 50;

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
      prefixes.push(canonicalPrefix(parseNetwork(entry)));
    } catch (error) {
      throw new Error(`${file}:${line}: ${(error as Error).message}, not '${entry.slice(0, 64)}'`);
    }
  }
  return prefixes;
}

function read(file: string): PrefixTable {
  const { size } = statSync(file);
  if (size > MAX_BYTES) throw new Error(`${file}: larger than ${MAX_BYTES} bytes`);
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
    this.#readChanged();
  }

  #changed(): void {
    this.#cancelSettle ??= this.#clock.after(SETTLE_MS, () => {
      this.#cancelSettle = undefined;
      this.#readChanged();
    });
  }

  #readChanged(): void {
    const stamp = stampOf(this.file);
    if (stamp === this.#seen) return;
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
    const { ino, size, mtimeMs } = statSync(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return 'gone';
  }
}
