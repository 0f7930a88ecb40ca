/**
 * The maker of variants of another thread: what is asked here is made there. Bodies go over in shared memory, copied
 * once; the codings come back as they are.
 */

import { inSharedMemory } from '../../core/shared-memory.ts';
import type { CodingName } from '../coding.ts';
import type { VariantDone, VariantSource } from './variant-job.ts';
import type { VariantStats, Variants } from './variants.ts';

/** What is asked of the thread that has the maker. */
export type MakerOrder =
  | {
      readonly kind: 'make';
      readonly id: number;
      readonly digest: string;
      /** A view of a SharedArrayBuffer. */
      readonly body: Uint8Array;
      readonly codings: readonly CodingName[];
    }
  | { readonly kind: 'cancel'; readonly id: number };

/** What comes back: for each coding of an order its outcome, or once that there was no room. */
export type MakerAnswer =
  | { readonly kind: 'coded'; readonly id: number; readonly coding: CodingName; readonly coded: Uint8Array | undefined }
  | { readonly kind: 'full'; readonly id: number };

/** What of its orders may wait there. */
export interface RemoteMakerOptions {
  readonly maxQueuedBytes: number;
  readonly maxJobs: number;
  send(order: MakerOrder): void;
  /** It takes no answers any more. */
  onDisposed?(): void;
}

interface Waiting {
  readonly bytes: number;
  readonly left: Set<CodingName>;
  readonly done: VariantDone;
}

/** Of the orders of all makers of this thread. */
let last = 0;

/** The maker of another thread, as this one sees it. */
export class RemoteMaker implements Variants {
  readonly #options: RemoteMakerOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #counts = { made: 0, notWorth: 0, failed: 0, refused: 0, starts: 0 };
  #queuedJobs = 0;
  #queuedBytes = 0;
  #disposed = false;
  #idle: (() => void)[] = [];

  constructor(options: RemoteMakerOptions) {
    this.#options = options;
  }

  /** Of what this thread has asked; what is not worth it and what failed look the same from here. */
  get stats(): VariantStats {
    return { ...this.#counts, queuedJobs: this.#queuedJobs, queuedBytes: this.#queuedBytes };
  }

  make(
    { body, digest }: VariantSource,
    codings: readonly CodingName[],
    done: VariantDone,
  ): { cancel(): void } | undefined {
    const { maxJobs, maxQueuedBytes } = this.#options;
    const bytes = body.byteLength;
    if (this.#disposed || this.#queuedJobs + codings.length > maxJobs || this.#queuedBytes + bytes > maxQueuedBytes) {
      this.#counts.refused += 1;
      return undefined;
    }
    last += 1;
    const id = last;
    this.#waiting.set(id, { bytes, left: new Set(codings), done });
    this.#queuedJobs += codings.length;
    this.#queuedBytes += bytes;
    this.#options.send({ kind: 'make', id, digest, body: inSharedMemory(body), codings });
    return {
      cancel: () => {
        if (this.#waiting.has(id)) this.#options.send({ kind: 'cancel', id });
        this.#end(id);
      },
    };
  }

  /** The other thread has answered. */
  answered(answer: MakerAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    if (answer.kind === 'full') {
      this.#counts.refused += 1;
      this.#end(answer.id);
      for (const coding of waiting.left) waiting.done(coding, undefined);
      return;
    }
    const { coding, coded } = answer;
    if (!waiting.left.delete(coding)) return;
    this.#counts[coded === undefined ? 'notWorth' : 'made'] += 1;
    this.#queuedJobs -= 1;
    if (waiting.left.size === 0) this.#end(answer.id);
    waiting.done(coding, coded);
  }

  idle(): Promise<void> {
    if (this.#waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const id of [...this.#waiting.keys()]) {
      this.#options.send({ kind: 'cancel', id });
      this.#end(id);
    }
    this.#options.onDisposed?.();
  }

  #end(id: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#queuedJobs -= waiting.left.size;
    this.#queuedBytes -= waiting.bytes;
    if (this.#waiting.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
