/** A file that is followed: whoever uses it is told when another text may be in it. */

import { type FSWatcher, type Stats, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from './clock.ts';

/** How often the file is looked at where nothing tells of changes (network file systems), in milliseconds. */
const LOOK_MS = 10_000;
/** A file is read when it has not changed for so long, in milliseconds: half of what somebody writes is not meant. */
const SETTLE_MS = 50;
/** One that never comes to rest is read all the same after so many rounds: what adds to it may be an attack. */
const MAX_ROUNDS = 20;

/** Watches the folder of a file, and looks at the file now and then; does not keep the process alive. */
export class FollowedFile implements Disposable {
  readonly file: string;
  readonly #clock: Clock;
  readonly #onChanged: () => void;
  #watcher: FSWatcher | undefined;
  /** Which folder is watched: one that vanishes takes its watcher with it. */
  #folder = '';
  #seen: string;
  #cancelLook: () => void;
  #cancelSettle: (() => void) | undefined;

  /** Made before the file is read, so that no change is missed. `onChanged` is called when the file is at rest, also when it is gone. */
  constructor(file: string, clock: Clock, onChanged: () => void) {
    this.file = file;
    this.#clock = clock;
    this.#onChanged = onChanged;
    this.#seen = stampOf(file);
    this.#cancelLook = clock.after(LOOK_MS, () => this.#lookAgain());
    this.#watch();
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
    this.#cancelLook();
    this.#cancelSettle?.();
  }

  #lookAgain(): void {
    this.#cancelLook = this.#clock.after(LOOK_MS, () => this.#lookAgain());
    this.#watch();
    this.#look();
  }

  /** Watches the folder that is there now. */
  #watch(): void {
    const folder = stampOf(dirname(this.file), ({ dev, ino }) => `${dev} ${ino}`);
    if (folder === this.#folder) return;
    this.#folder = folder;
    this.#watcher?.close();
    this.#watcher = undefined;
    try {
      // The folder, not the file: editors and Kubernetes put another file, or another link, in its place.
      this.#watcher = watch(dirname(this.file), { persistent: false }, (_event, name) => {
        if (name === null || name === basename(this.file) || name.startsWith('..')) this.#look();
      });
      this.#watcher.on('error', () => {});
    } catch {
      // Where nothing tells, looking does.
    }
  }

  #look(): void {
    if (this.#cancelSettle !== undefined) return;
    const stamp = stampOf(this.file);
    if (stamp !== this.#seen) this.#settle(stamp, 1);
  }

  #settle(stamp: string, round: number): void {
    this.#cancelSettle = this.#clock.after(SETTLE_MS, () => {
      this.#cancelSettle = undefined;
      const now = stampOf(this.file);
      if (now !== stamp && round < MAX_ROUNDS) {
        this.#settle(now, round + 1);
        return;
      }
      this.#seen = now;
      this.#onChanged();
    });
  }
}

/** Tells one version of a file from another, also behind a link. */
function stampOf(file: string, what: (stats: Stats) => string = version): string {
  try {
    return what(statSync(file));
  } catch {
    return 'gone';
  }
}

function version({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  // ctime too: whoever copies a file may set its mtime.
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}
