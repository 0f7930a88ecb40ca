/** An encoder around one of Node's zlib streams, which code in libuv's thread pool. */

import type { BrotliCompress, Gzip, ZstdCompress } from 'node:zlib';
import type { Encoder, EncoderOutput } from './coding.ts';

/**
 * The encoder of one body. The stream underneath must flush after each write; what comes while it is at work waits here
 * and goes in as one piece, so that a fast body is not flushed more often than it is coded.
 */
export class StreamEncoder implements Encoder {
  readonly #stream: BrotliCompress | Gzip | ZstdCompress;
  readonly #output: EncoderOutput;
  #waiting: Uint8Array[] = [];
  #busy = false;
  #ending = false;
  #gone = false;

  constructor(stream: BrotliCompress | Gzip | ZstdCompress, output: EncoderOutput) {
    this.#stream = stream;
    this.#output = output;
    stream.on('data', (chunk: Buffer) => {
      if (!this.#gone) output.onData(chunk);
    });
    stream.on('end', () => {
      if (this.#gone) return;
      this.#gone = true;
      output.onEnd();
    });
    stream.on('error', (error: Error) => {
      if (this.#gone) return;
      this.destroy();
      output.onError(error);
    });
  }

  write(chunk: Uint8Array): void {
    if (this.#gone || chunk.length === 0) return;
    this.#waiting.push(chunk);
    if (!this.#busy) this.#next();
  }

  end(): void {
    this.#ending = true;
    if (!this.#gone && !this.#busy) this.#next();
  }

  destroy(): void {
    this.#gone = true;
    this.#waiting = [];
    // Node closes it when the piece at work in the thread pool is done.
    this.#stream.destroy();
  }

  #next(): void {
    const { length } = this.#waiting;
    const piece = length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    this.#waiting = [];
    if (this.#ending) {
      this.#busy = true;
      this.#stream.end(piece);
      return;
    }
    this.#busy = true;
    this.#stream.write(piece, this.#coded);
  }

  readonly #coded = (error?: Error | null): void => {
    if (this.#gone || error) return;
    this.#busy = false;
    if (this.#waiting.length > 0 || this.#ending) this.#next();
    if (this.#waiting.length === 0 && !this.#busy) this.#output.onDrain();
  };
}
