/** A list of networks in a file: one a line, with comments. Read again when the file changes. */

import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../core/clock.ts';
import { FollowedFile } from '../core/followed-file.ts';
import { prefixOf } from './network.ts';
import { type Prefix, PrefixTable } from './prefix-table.ts';

/** The largest file that is read, in bytes: about a million networks. */
const MAX_BYTES = 16_777_216;
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
  readonly #told: ListTold;
  readonly #followed: FollowedFile;

  /** Reads the file; throws where it cannot be used. */
  constructor(file: string, clock: Clock, told: ListTold) {
    this.file = file;
    this.#told = told;
    this.#followed = new FollowedFile(file, clock, () => this.#read());
    try {
      this.table = read(file);
    } catch (error) {
      this.#followed[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#followed[Symbol.dispose]();
  }

  #read(): void {
    try {
      this.table = read(this.file);
    } catch (error) {
      this.#told.onFailed((error as Error).message);
      return;
    }
    this.#told.onReloaded(this.table.size);
  }
}
