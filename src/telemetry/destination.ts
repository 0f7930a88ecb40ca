import type { Clock } from '../core/clock.ts';
import type { Outlet } from './outlet.ts';

/** What a destination needs to know. */
export interface DestinationOptions {
  readonly outlet: Outlet;
  /** The most that waits for the reader, in bytes; all the memory there is, allocated once. */
  readonly maxBytes: number;
  readonly clock: Clock;
  /** Lines were lost and there is room again: `lines` since it was told last. */
  readonly onDropped: (lines: number) => void;
}

/** At most so much is handed out at a time: the size of a pipe on Linux. */
const CHUNK_BYTES = 65_536;

/** pino sets `lastLevel` before each write of a destination that has this. */
export const PINO_METADATA: unique symbol = Symbol.for('pino.metadata') as never;

const LINE_FEED = 0x0a;

/** Lines below this level of pino leave an eighth of the room to lines from it upwards: errors outlive a flood. */
const URGENT = 40;

/**
 * A bounded place for log lines between the gateway and a reader that may stop: a ring of bytes, one write at a time.
 * A line that does not fit is dropped and counted; nothing waits and nothing grows.
 */
export class Destination {
  readonly [PINO_METADATA] = true;
  lastLevel = 0;

  readonly #options: DestinationOptions;
  readonly #ring: Buffer;
  #start = 0;
  #used = 0;
  #writing = false;
  #scheduled = false;
  #failed = false;
  #dropped = 0;
  #untold = 0;
  #settle: (() => void) | undefined;

  constructor(options: DestinationOptions) {
    this.#options = options;
    this.#ring = Buffer.allocUnsafeSlow(options.maxBytes);
  }

  /** Lines lost since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes that wait for the reader. */
  get pendingBytes(): number {
    return this.#used;
  }

  /** Takes a line with its line feed, whole or not at all; `level` is a number of pino. */
  write(line: string, level = this.lastLevel): void {
    const length = Buffer.byteLength(line);
    const room = this.#ring.length - this.#used - (level < URGENT ? this.#ring.length >>> 3 : 0);
    if (this.#failed || length > room) {
      this.#dropped += 1;
      this.#untold += 1;
      return;
    }
    const at = (this.#start + this.#used) % this.#ring.length;
    if (at + length <= this.#ring.length) this.#ring.write(line, at);
    else {
      const bytes = Buffer.from(line);
      const first = this.#ring.length - at;
      bytes.copy(this.#ring, at, 0, first);
      bytes.copy(this.#ring, 0, first);
    }
    this.#used += length;
    if (this.#writing || this.#scheduled) return;
    this.#scheduled = true;
    // Lines of one turn of the event loop leave in one write.
    setImmediate(() => {
      this.#scheduled = false;
      this.#push();
    });
  }

  /**
   * Waits until all is written, but not longer than `deadlineMs`, then lets go of the outlet: a reader that has stopped
   * does not hold the process. False when something was left behind.
   */
  async close(deadlineMs: number): Promise<boolean> {
    this.#tell(this.#ring.length);
    this.#push();
    if (this.#used > 0 && !this.#failed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#settle = resolve;
      const cancel = this.#options.clock.after(deadlineMs, resolve);
      await promise;
      cancel();
    }
    const complete = this.#used === 0 && !this.#failed;
    this.#failed = true;
    this.#options.outlet.release(!complete);
    return complete;
  }

  /** The last moment of the process, where nothing asynchronous happens any more: writes what the reader takes at once. */
  writeNow(): void {
    // What is on its way may have left in part: to write it again could double a line.
    if (this.#writing || this.#failed) return;
    while (this.#used > 0) {
      const sent = this.#options.outlet.writeNow(this.#next());
      if (sent === 0) return;
      this.#take(sent);
    }
  }

  #next(): Buffer {
    const end = Math.min(this.#start + Math.min(this.#used, CHUNK_BYTES), this.#ring.length);
    return this.#ring.subarray(this.#start, end);
  }

  #take(bytes: number): void {
    this.#start = (this.#start + bytes) % this.#ring.length;
    this.#used -= bytes;
  }

  #push(): void {
    if (this.#writing || this.#failed) return;
    if (this.#used === 0) {
      this.#settle?.();
      return;
    }
    const chunk = this.#next();
    this.#writing = true;
    this.#options.outlet.write(chunk, (sent) => {
      this.#writing = false;
      // The reader is gone for good. The gateway goes on without a log.
      if (sent === 'gone') return this.#fail();
      if (sent === 'lost') this.#lose(chunk);
      this.#take(sent === 'lost' ? chunk.length : sent);
      this.#tell(this.#ring.length >>> 1);
      this.#push();
    });
  }

  #lose(chunk: Uint8Array): void {
    let lines = 0;
    for (const byte of chunk) if (byte === LINE_FEED) lines += 1;
    this.#dropped += lines;
    this.#untold += lines;
  }

  /** Tells what was lost once no more than `below` waits: not for each line of a reader that takes one at a time. */
  #tell(below: number): void {
    if (this.#untold === 0 || this.#used > below || this.#failed) return;
    const lines = this.#untold;
    this.#untold = 0;
    this.#options.onDropped(lines);
  }

  #fail(): void {
    if (this.#failed) return;
    this.#failed = true;
    for (; this.#used > 0; this.#take(this.#next().length)) this.#lose(this.#next());
    this.#settle?.();
  }
}
