/** What the disk tier finds at the start, read file by file: checked, counted, and thrown away where it is not ours. */

import { bodyName, codingName, codingOf, type DiskEntry, entryName, FILE_NAME, readEntry } from './disk-entry.ts';
import { DiskFileError, digestOf, FileKind, MAX_FRAME_BYTES, unsealed } from './disk-file.ts';
import type { DiskFolder } from './disk-folder.ts';
import type { CacheKey } from './stored.ts';

/** The most answers that are taken over at a start. */
const MOST_ENTRIES = 100_000;
/** How far ahead of the clock an answer may be received, in milliseconds. */
const AHEAD_MS = 1000;

/** An answer whose head was read; its body is read when its turn comes. */
export interface FoundEntry {
  readonly name: string;
  readonly key: CacheKey;
  readonly entry: DiskEntry;
  /** Of the head's file, on the disk. */
  readonly bytes: number;
}

/** A body with its codings, and what each file takes on the disk; '' is the body itself. */
export interface FoundBody {
  readonly bytes: Uint8Array;
  readonly codings: Map<string, Uint8Array>;
  readonly files: Map<string, number>;
}

/** Reads a folder at the start. */
export class DiskLoad {
  readonly #folder: DiskFolder;
  readonly #maxBytes: number;
  readonly #sizes = new Map<string, number>();
  /** Names of codings by the beginning of their files' names. */
  readonly #codings = new Map<string, string[]>();
  /** Files that were thrown away: torn, foreign, of another version, from the future. */
  rejected = 0;
  /** What was wrong with the last of them. */
  lastRejection: string | undefined;

  /** `maxBytes` of one file. */
  constructor(folder: DiskFolder, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes + MAX_FRAME_BYTES;
  }

  /** Reads the heads, the ones written last first, up to so many bytes with their bodies; removes all else. */
  async entries(budget: number, wall: number): Promise<FoundEntry[]> {
    const written: { name: string; writtenAt: number }[] = [];
    for (const name of await this.#folder.names()) {
      if (!FILE_NAME.test(name)) {
        await this.#reject(name, 'not a file of this cache');
        continue;
      }
      const looked = await this.#folder.look(name).catch(() => undefined);
      if (looked === undefined) continue;
      this.#sizes.set(name, looked.bytes);
      if (name.startsWith('e-')) written.push({ name, writtenAt: looked.writtenAt });
      else if (name.startsWith('c-')) {
        const body = name.slice(0, 67);
        this.#codings.set(body, [...(this.#codings.get(body) ?? []), name]);
      }
    }
    written.sort((a, b) => b.writtenAt - a.writtenAt);
    return this.#heads(written, budget, wall);
  }

  async #heads(written: readonly { name: string }[], budget: number, wall: number): Promise<FoundEntry[]> {
    const found: FoundEntry[] = [];
    const bodies = new Set<string>();
    let total = 0;
    for (const { name } of written) {
      const read = total < budget && found.length < MOST_ENTRIES ? await this.#head(name, wall) : undefined;
      if (read === undefined) {
        await this.#folder.remove(name);
        continue;
      }
      const bytes = this.#sizes.get(name)!;
      total += bytes;
      if (!bodies.has(read.entry.digest)) {
        bodies.add(read.entry.digest);
        for (const file of this.#filesOf(read.entry.digest)) total += this.#sizes.get(file) ?? 0;
      }
      if (total > budget) await this.#folder.remove(name);
      else found.push({ name, ...read, bytes });
    }
    return found;
  }

  /** Reads a body and its codings; undefined where the body is not there or not right. */
  async body(digest: string): Promise<FoundBody | undefined> {
    const name = bodyName(digest);
    const body = await this.#payload(name, FileKind.BODY, digest, '');
    if (body === undefined) return undefined;
    const found: FoundBody = { bytes: body, codings: new Map(), files: new Map([['', this.#sizes.get(name)!]]) };
    for (const file of this.#codings.get(codingName(digest, '').slice(0, 67)) ?? []) {
      const coding = codingOf(file, digest)!;
      const coded = await this.#payload(file, FileKind.CODING, digest, coding);
      if (coded === undefined) continue;
      found.codings.set(coding, coded);
      found.files.set(coding, this.#sizes.get(file)!);
    }
    return found;
  }

  /** Removes the bodies and codings that no answer has: a crash leaves such. */
  async sweep(wanted: ReadonlySet<string>): Promise<void> {
    for (const name of this.#sizes.keys()) {
      if (!name.startsWith('e-') && !wanted.has(name)) await this.#folder.remove(name);
    }
  }

  async #head(name: string, wall: number): Promise<Pick<FoundEntry, 'key' | 'entry'> | undefined> {
    const file = await this.#file(name, FileKind.ENTRY);
    if (file === undefined) return undefined;
    try {
      const read = readEntry(file.head);
      if (name !== entryName(read.key, read.entry)) throw new DiskFileError('under the name of another answer');
      // How old it is cannot be known: the clock was set back, or was wrong then.
      if (read.entry.receivedAt > wall + AHEAD_MS) throw new DiskFileError('received in the future');
      return read;
    } catch (error) {
      await this.#reject(name, (error as Error).message);
      return undefined;
    }
  }

  async #payload(name: string, kind: FileKind, digest: string, coding: string): Promise<Uint8Array | undefined> {
    const file = await this.#file(name, kind);
    if (file === undefined) return undefined;
    const { head, payload } = file;
    const { digest: of, coding: as } = (head ?? {}) as { digest?: unknown; coding?: unknown };
    const right =
      of === digest &&
      as === coding &&
      // The name of the body is its digest: whatever the file says, these are the bytes or they are not.
      (kind !== FileKind.BODY || (await digestOf(payload)).toString('base64url') === digest);
    if (right) return payload;
    await this.#reject(name, 'the body of another digest');
    return undefined;
  }

  async #file(name: string, kind: FileKind): Promise<Awaited<ReturnType<typeof unsealed>> | undefined> {
    try {
      return await unsealed(await this.#folder.read(name, this.#maxBytes), kind);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') await this.#reject(name, (error as Error).message);
      return undefined;
    }
  }

  async #reject(name: string, why: string): Promise<void> {
    this.#sizes.delete(name);
    this.rejected += 1;
    this.lastRejection = `${name.slice(0, 100)}: ${why}`;
    await this.#folder.remove(name);
  }

  #filesOf(digest: string): string[] {
    return [bodyName(digest), ...(this.#codings.get(codingName(digest, '').slice(0, 67)) ?? [])];
  }
}
