/** An encoder of small bodies: keeps the pieces and codes them in one go at the end. */

import type { Coding, Encoder, EncoderOutput } from './coding.ts';

/** Up to here a body is coded at once, in bytes: a quarter of a millisecond, where a stream of zlib takes a megabyte. */
export const SMALL_BYTES = 32 * 1024;

/** The encoder of one body of at most SMALL_BYTES; tells nothing before `end`. */
export class WholeEncoder implements Encoder {
  readonly #coding: Coding;
  readonly #output: EncoderOutput;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #gone = false;

  constructor(coding: Coding, output: EncoderOutput) {
    this.#coding = coding;
    this.#output = output;
  }

  /** What was written and not yet coded, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  write(chunk: Uint8Array): void {
    if (this.#gone) return;
    this.#pieces.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Gives the pieces to another encoder, which goes on. */
  handOver(encoder: Encoder): void {
    for (const piece of this.#pieces) encoder.write(piece);
    this.destroy();
  }

  end(): void {
    if (this.#gone) return;
    let coded: Uint8Array;
    try {
      coded = this.#coding.quick(this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces));
    } catch (error) {
      this.destroy();
      this.#output.onError(error as Error);
      return;
    }
    this.destroy();
    this.#output.onData(coded);
    this.#output.onEnd();
  }

  destroy(): void {
    this.#gone = true;
    this.#pieces = [];
  }
}
