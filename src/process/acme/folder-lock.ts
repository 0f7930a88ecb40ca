/** A lock on a folder that processes share, so that one of them orders at a time. */

import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';

/** How often the one who has it shows that it is alive, in milliseconds. */
const ALIVE_MS = 20_000;
/** Nobody has it who has not shown that for so long, in milliseconds. */
const STALE_MS = 120_000;

interface Owner {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
}

/** Locks of this process. */
const held = new Set<string>();

/** A lock that is held, kept alive until it is disposed of. */
export class FolderLock implements AsyncDisposable {
  readonly #file: string;
  readonly #id: string;
  #cancel: () => void = () => {};

  private constructor(file: string, id: string) {
    this.#file = file;
    this.#id = id;
  }

  /** Takes it; undefined while another one has it. */
  static async take(folder: string, clock: Clock): Promise<FolderLock | undefined> {
    const file = join(folder, 'lock');
    const owner: Owner = { id: randomUUID(), host: hostname(), pid: process.pid };
    if (!(await create(file, owner))) {
      if (!(await isStale(folder, file))) return undefined;
      // Of several who find it stale one moves it away. Should one be late and move away what another has just made, the
      // cost is one order too many: files are written whole.
      const away = join(folder, `.${owner.id}`);
      try {
        await rename(file, away);
      } catch {
        return undefined;
      }
      await rm(away, { force: true });
      if (!(await create(file, owner))) return undefined;
    }
    held.add(owner.id);
    const lock = new FolderLock(file, owner.id);
    lock.#showAlive(clock);
    return lock;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancel();
    held.delete(this.#id);
    if ((await ownerOf(this.#file))?.id === this.#id) await rm(this.#file, { force: true });
  }

  #showAlive(clock: Clock): void {
    this.#cancel = clock.after(ALIVE_MS, () => {
      const now = new Date();
      utimes(this.#file, now, now).catch(() => {});
      this.#showAlive(clock);
    });
  }
}

async function create(file: string, owner: Owner): Promise<boolean> {
  try {
    await using handle = await open(file, 'wx', 0o600);
    await handle.writeFile(JSON.stringify(owner));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new Error(`${file}: cannot be written (${(error as NodeJS.ErrnoException).code ?? error})`, { cause: error });
  }
}

async function isStale(folder: string, file: string): Promise<boolean> {
  const owner = await ownerOf(file);
  if (owner?.host === hostname()) {
    // The pid alone says little: in a container that began again it is ours.
    if (owner.pid === process.pid) return !held.has(owner.id);
    if (!isRunning(owner.pid)) return true;
  }
  // By the clock of the file system, which others share.
  const probe = join(folder, `.${randomUUID()}`);
  try {
    await (await open(probe, 'wx', 0o600)).close();
    const [now, then] = await Promise.all([stat(probe), stat(file)]);
    return now.mtimeMs - then.mtimeMs > STALE_MS;
  } catch {
    return false; // given back just now
  } finally {
    await rm(probe, { force: true });
  }
}

async function ownerOf(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner;
  } catch {
    return undefined; // gone, or being written
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
