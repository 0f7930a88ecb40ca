/** What the disk tier knows to be on disk. */

import { bodyName, codingName } from './disk-entry.ts';
import type { KeptAnswer } from './kept-answer.ts';

interface IndexedBody {
  /** Bytes on the disk by coding; '' is the body itself. */
  readonly files: Map<string, number>;
  entries: number;
}

interface IndexedEntry {
  readonly digest: string;
  readonly bytes: number;
  readonly answer: KeptAnswer;
}

/** Files of answers and of the bodies that they share, with their sizes. As many as the store has answers. */
export class DiskIndex {
  readonly #entries = new Map<string, IndexedEntry>();
  readonly #bodies = new Map<string, IndexedBody>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get entries(): number {
    return this.#entries.size;
  }

  get bodies(): number {
    return this.#bodies.size;
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  hasFile(digest: string, coding = ''): boolean {
    return this.#bodies.get(digest)?.files.has(coding) === true;
  }

  /** The answer's file was written; the files of its body were before. */
  add(name: string, bytes: number, answer: KeptAnswer): void {
    const body = this.#bodies.get(answer.digest);
    if (body === undefined) throw new Error(`an answer before its body ${answer.digest}`);
    body.entries += 1;
    const before = this.#entries.get(name);
    this.#entries.set(name, { digest: answer.digest, bytes, answer });
    this.#bytes += bytes;
    if (before !== undefined) {
      this.#bytes -= before.bytes;
      this.#bodies.get(before.digest)!.entries -= 1;
    }
  }

  /** A body, or a coding of it, was written. */
  addFile(digest: string, coding: string, bytes: number): void {
    let body = this.#bodies.get(digest);
    if (body === undefined) {
      body = { files: new Map(), entries: 0 };
      this.#bodies.set(digest, body);
    }
    this.#bytes += bytes - (body.files.get(coding) ?? 0);
    body.files.set(coding, bytes);
  }

  /** An answer's file was removed. Gives the digest of its body. */
  delete(name: string): string | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    this.#bytes -= entry.bytes;
    this.#bodies.get(entry.digest)!.entries -= 1;
    return entry.digest;
  }

  /** The codings of a body that no answer has any more, `''` for the body; empty where one has. */
  orphans(digest: string): string[] {
    const body = this.#bodies.get(digest);
    return body === undefined || body.entries > 0 ? [] : [...body.files.keys()];
  }

  /** A file of a body was removed. */
  deleteFile(digest: string, coding: string): void {
    const body = this.#bodies.get(digest);
    if (body === undefined) return;
    this.#bytes -= body.files.get(coding) ?? 0;
    body.files.delete(coding);
    if (body.files.size === 0 && body.entries === 0) this.#bodies.delete(digest);
  }

  /** The names of the files of all bodies. */
  files(): Set<string> {
    const names = new Set<string>();
    for (const [digest, { files }] of this.#bodies) {
      for (const coding of files.keys()) names.add(coding === '' ? bodyName(digest) : codingName(digest, coding));
    }
    return names;
  }

  digestOf(name: string): string | undefined {
    return this.#entries.get(name)?.digest;
  }

  /** Names, the one that was not used longest first. */
  oldest(): string[] {
    const all = [...this.#entries].sort(([, a], [, b]) => a.answer.usedAt - b.answer.usedAt);
    return all.map(([name]) => name);
  }

  /** The folder has vanished with all that was in it. */
  clear(): void {
    this.#entries.clear();
    this.#bodies.clear();
    this.#bytes = 0;
  }
}
