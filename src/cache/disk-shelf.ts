/** The files of the disk tier: how they are written, how they make room, how they go. One call after the other. */

import { bodyName, codingName, entryHead, nameableCoding } from './disk-entry.ts';
import { FileKind, sealed } from './disk-file.ts';
import { type DiskFolder, diskBytes } from './disk-folder.ts';
import { DiskIndex } from './disk-index.ts';
import type { KeptAnswer } from './kept-answer.ts';
import type { CacheKey } from './stored.ts';

/** What the file of a body has beside the body, at most, in bytes. */
const BODY_FRAME = 256;

/** Writes and removes files, and knows what is there. */
export class DiskShelf {
  readonly index = new DiskIndex();
  readonly maxBytes: number;
  readonly #folder: DiskFolder;
  /** Something was removed since the last `sync`. */
  unsynced = false;

  constructor(folder: DiskFolder, maxBytes: number) {
    this.#folder = folder;
    this.maxBytes = maxBytes;
  }

  /** Writes an answer, its body before it, its codings after it; false, and the one before removed, where there is no room. */
  async write(name: string, key: CacheKey, answer: KeptAnswer): Promise<boolean> {
    const { digest } = answer;
    const head = await sealed(FileKind.ENTRY, entryHead(key, answer), new Uint8Array());
    const bytes = diskBytes(head.length);
    if (!(await this.#makeRoom(bytes + diskBytes(answer.body.byteLength + BODY_FRAME), name))) {
      await this.remove(name);
      return false;
    }
    if (!this.index.hasFile(digest)) await this.#writeFile(digest, '', answer.body);
    const before = this.index.digestOf(name);
    await this.#folder.write(name, head);
    this.index.add(name, bytes, answer);
    if (before !== undefined) await this.#removeOrphans(before);
    return this.writeCodings(digest, answer.codings);
  }

  /** Writes the codings of a body that is there; false where one of them has no room. */
  async writeCodings(digest: string, codings: ReadonlyMap<string, Uint8Array> | undefined): Promise<boolean> {
    // The map may grow meanwhile: then its loop goes on.
    for (const [coding, coded] of codings ?? []) {
      if (!nameableCoding(coding) || this.index.hasFile(digest, coding)) continue;
      const room = await this.#makeRoom(diskBytes(coded.byteLength + BODY_FRAME));
      // What made room may have been this body.
      if (!room || !this.index.hasFile(digest)) return false;
      await this.#writeFile(digest, coding, coded);
    }
    return true;
  }

  async #writeFile(digest: string, coding: string, payload: Uint8Array): Promise<void> {
    const bytes = await sealed(coding === '' ? FileKind.BODY : FileKind.CODING, { digest, coding }, payload);
    await this.#folder.write(coding === '' ? bodyName(digest) : codingName(digest, coding), bytes);
    this.index.addFile(digest, coding, diskBytes(bytes.length));
  }

  /** Removes what was not used longest until so many bytes fit; false where they never do. */
  async #makeRoom(bytes: number, except?: string): Promise<boolean> {
    if (bytes > this.maxBytes) return false;
    if (this.index.bytes + bytes <= this.maxBytes) return true;
    // Some more than is needed: sorting is for many.
    const wanted = Math.max(0, this.maxBytes * 0.9 - bytes);
    for (const name of this.index.oldest()) {
      if (this.index.bytes <= wanted) break;
      if (name !== except) await this.remove(name);
    }
    return this.index.bytes + bytes <= this.maxBytes;
  }

  /** Removes an answer, then its body where no other has it: a crash between leaves a body that nobody finds. */
  async remove(name: string, body?: string): Promise<void> {
    await this.#folder.remove(name);
    this.unsynced = true;
    const digest = this.index.delete(name) ?? body;
    if (digest !== undefined) await this.#removeOrphans(digest);
  }

  async #removeOrphans(digest: string): Promise<void> {
    for (const coding of this.index.orphans(digest)) {
      await this.#folder.remove(coding === '' ? bodyName(digest) : codingName(digest, coding));
      this.index.deleteFile(digest, coding);
    }
  }

  /** What was removed stays removed when the power fails. */
  async sync(): Promise<void> {
    await this.#folder.sync();
    this.unsynced = false;
  }
}
