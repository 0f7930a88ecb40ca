/** A folder of the disk tier, and the only thing of the cache that touches files. */

import { constants, type Stats } from 'node:fs';
import { chmod, lstat, mkdir, open, opendir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The most files that are looked at. */
const MOST_FILES = 500_000;

/** Where files are kept by name. Names are made here, of digests: no part of a request is ever in one. */
export interface DiskFolder {
  /** Makes it, where it is not there and the folder above its directory is; rejects where it cannot be used or belongs to others. */
  prepare(): Promise<void>;
  /** What is in it, temporary files too. */
  names(): Promise<string[]>;
  /** Bytes, and milliseconds since the epoch of the last write. Links are not followed. */
  look(name: string): Promise<{ readonly bytes: number; readonly writtenAt: number }>;
  /** All of a file; rejects where it is a link, no plain file, or longer than `maxBytes`. */
  read(name: string, maxBytes: number): Promise<Buffer<ArrayBuffer>>;
  /** All or nothing: another file takes the place of the one before in one step. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Does nothing where there is no such file. */
  remove(name: string): Promise<void>;
  /** What was removed stays removed when the power fails. */
  sync(): Promise<void>;
}

/** The beginning of the names of files that are being written. */
const TEMPORARY = 't-';

/**
 * A folder of its own (mode 0700) in the directory of the config: that one may belong to others, as a mounted volume
 * does. One store has one folder. Files are not synced when they are written: a torn one is found by its digest, and
 * costs one request to the origin.
 */
export class LocalFolder implements DiskFolder {
  readonly #path: string;
  #written = 0;

  /** `name`: its own, where several threads of a process have a folder each. */
  constructor(directory: string, name = 'gatehouse-cache') {
    this.#path = join(directory, name);
  }

  async prepare(): Promise<void> {
    // Not `recursive`, which never ends below folders that take none, as in /proc.
    for (const path of [dirname(this.#path), this.#path]) {
      await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
    const stats = await lstat(this.#path);
    if (!stats.isDirectory()) throw new Error(`${this.#path}: expected a directory, not a link or a file`);
    const user = process.getuid?.();
    if (user !== undefined && stats.uid !== user) {
      throw new Error(`${this.#path}: belongs to user ${stats.uid}, expected ${user}: others could change the answers`);
    }
    // Only where it was made by hand; others must neither write answers nor read them.
    if ((stats.mode & 0o077) !== 0) await chmod(this.#path, 0o700);
  }

  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const entry of await opendir(this.#path)) {
      if (entry.isDirectory()) continue;
      names.push(entry.name);
      if (names.length === MOST_FILES) break;
    }
    return names;
  }

  async look(name: string): Promise<{ bytes: number; writtenAt: number }> {
    const stats = await lstat(join(this.#path, name));
    return { bytes: sizeOf(stats), writtenAt: stats.mtimeMs };
  }

  async read(name: string, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    // Opening a named pipe would wait for its writer for ever.
    await using file = await open(join(this.#path, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error('no plain file');
    if (stats.size > maxBytes) throw new Error(`${stats.size} bytes, expected ${maxBytes} at most`);
    const bytes = Buffer.alloc(stats.size);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) throw new Error('became shorter while it was read');
      filled += bytesRead;
    }
    return bytes;
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    this.#written += 1;
    const temporary = join(this.#path, `${TEMPORARY}${process.pid}-${this.#written}`);
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    try {
      {
        await using file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        await file.writeFile(bytes);
      }
      await rename(temporary, join(this.#path, name));
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await unlink(join(this.#path, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  async sync(): Promise<void> {
    await using folder = await open(this.#path, constants.O_RDONLY | constants.O_DIRECTORY);
    await folder.sync();
  }
}

/** What a file takes on the disk, which is whole blocks. */
function sizeOf({ size }: Stats): number {
  return diskBytes(size);
}

/** Bytes on the disk of a file with so many, in blocks of 4 KiB. */
export function diskBytes(bytes: number): number {
  return Math.ceil(bytes / 4096) * 4096;
}
