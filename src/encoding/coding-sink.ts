/** A sink before another one that codes what passes. */

import { type Fields, type Filter, ResetCode, type Sink } from '../core/raw.ts';
import type { Coding, Encoder, EncoderOutput } from './coding.ts';
import { SMALL_BYTES, WholeEncoder } from './whole-encoder.ts';

/** The writer holds on while so many bytes are being coded or wait for it. */
const HELD_BYTES = 64 * 1024;

/** What a CodingSink is told beside its coding. */
export interface CodingSinkOptions {
  /** Length of the uncoded body in bytes, where it is known. */
  readonly size?: number | undefined;
  /** So many coded bytes went on. */
  readonly onBytes?: (bytes: number) => void;
  /** The encoder failed; the stream was reset already. */
  readonly onError?: (error: Error) => void;
  /** The encoder is not needed any more, however that came; called once. */
  readonly onDone?: () => void;
}

/**
 * Codes one body. Small bodies are coded at once; others in the thread pool, each piece flushed. Trailers come after the
 * last coded byte, a reset passes at once. An encoder that fails resets the stream: its answer never looks complete.
 */
export class CodingSink implements Filter {
  onDrain: (() => void) | undefined;
  readonly #next: Sink;
  readonly #options: CodingSinkOptions;
  readonly #coding: Coding;
  readonly #output: EncoderOutput;
  /** Holds a body that may be small until it is known to be. */
  #whole: WholeEncoder | undefined;
  #encoder: Encoder;
  #inside = 0;
  #encoderFull = false;
  #nextFull = false;
  #trailers: Fields | undefined;
  #gone = false;
  #waiting: NodeJS.Immediate | undefined;

  constructor(next: Sink, coding: Coding, options: CodingSinkOptions = {}) {
    this.#next = next;
    this.#coding = coding;
    this.#options = options;
    this.#output = {
      onData: (chunk) => this.#coded(chunk),
      onEnd: () => {
        if (this.#gone) return;
        this.#close();
        next.end(this.#trailers);
      },
      onDrain: () => {
        this.#inside = 0;
        this.#encoderFull = false;
        this.#more();
      },
      onError: (error) => {
        if (this.#gone) return;
        this.#close();
        next.reset(ResetCode.INTERNAL_ERROR);
        options.onError?.(error);
      },
    };
    if (options.size === undefined || options.size <= SMALL_BYTES) {
      this.#whole = new WholeEncoder(coding, this.#output);
      this.#encoder = this.#whole;
    } else {
      this.#encoder = coding.encoder(this.#output, options.size);
    }
  }

  write(chunk: Uint8Array): boolean {
    if (this.#gone) return true;
    const whole = this.#whole;
    if (whole !== undefined) {
      if (whole.bytes + chunk.length > SMALL_BYTES) this.#stream();
      // A body of unknown length is often all here in this turn of the event loop; else nobody waits for its end.
      else if (this.#options.size === undefined) this.#waiting ??= setImmediate(() => this.#stream());
    }
    this.#encoder.write(chunk);
    if (this.#whole !== undefined) return !this.#nextFull;
    this.#inside += chunk.length;
    if (this.#inside > HELD_BYTES) this.#encoderFull = true;
    return !this.#encoderFull && !this.#nextFull;
  }

  end(trailers?: Fields): void {
    if (this.#gone) return;
    clearImmediate(this.#waiting);
    this.#trailers = trailers;
    this.#encoder.end();
  }

  reset(code: number): void {
    if (this.#gone) return;
    this.close();
    this.#next.reset(code);
  }

  drained(): void {
    this.#nextFull = false;
    this.#more();
  }

  close(): void {
    if (this.#gone) return;
    this.#encoder.destroy();
    this.#close();
  }

  #coded(chunk: Uint8Array): void {
    if (this.#gone) return;
    this.#options.onBytes?.(chunk.length);
    if (!this.#next.write(chunk)) this.#nextFull = true;
  }

  #more(): void {
    if (!this.#gone && !this.#encoderFull && !this.#nextFull) this.onDrain?.();
  }

  /** The body is not small, or slow: from now on it is coded as it comes. */
  #stream(): void {
    const whole = this.#whole;
    if (whole === undefined || this.#gone) return;
    clearImmediate(this.#waiting);
    this.#whole = undefined;
    this.#encoder = this.#coding.encoder(this.#output, this.#options.size);
    this.#inside = whole.bytes;
    whole.handOver(this.#encoder);
  }

  #close(): void {
    this.#gone = true;
    clearImmediate(this.#waiting);
    this.#options.onDone?.();
  }
}
