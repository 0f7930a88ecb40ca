/** Frames of gRPC, gRPC-Web and Connect streams: a byte of flags, a length of four bytes, the payload. */

const PREFIX_BYTES = 5;
const COMPRESSED = 0x01;
/** What is kept of a final frame; one that is longer is passed over. */
const MAX_FINAL_BYTES = 8192;

/** One frame; https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message". */
export function frame(flags: number, payload: string): Buffer {
  const length = Buffer.byteLength(payload);
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + length);
  bytes[0] = flags;
  bytes.writeUInt32BE(length, 1);
  bytes.write(payload, PREFIX_BYTES);
  return bytes;
}

/** How a protocol ends its stream inside the body. */
export interface FinalFrame {
  /** The bit of the flags that marks it: 0x80 in gRPC-Web, 0x02 in Connect, 0 where the stream ends by trailers. */
  readonly flag: number;
  /** The `grpc-status` that its payload says. */
  readonly outcome: (payload: Buffer) => string | undefined;
}

/**
 * Follows the frames of a body as it passes, in constant memory: is a frame open, was the stream ended, and how.
 * Payloads are counted, not looked at, except for a final frame of up to 8 KiB that is not compressed.
 */
export class FrameWatcher {
  readonly #final: FinalFrame;
  /** Bytes of the current prefix that are here. */
  #prefix = 0;
  #flags = 0;
  #length = 0;
  /** Bytes of the current payload that are still to come. */
  #left = 0;
  #payload: Buffer | undefined;
  #ended = false;
  #lost = false;
  #outcome: string | undefined;

  constructor(final: FinalFrame) {
    this.#final = final;
  }

  /** The body stands between two frames, and another may be written. */
  get whole(): boolean {
    return !this.#lost && !this.#ended && this.#prefix === 0 && this.#left === 0;
  }

  /** The final frame has passed, all of it. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The `grpc-status` of the final frame; undefined before it, and where it is compressed or too long. */
  get outcome(): string | undefined {
    return this.#outcome;
  }

  /** Takes the next piece of the body; pieces may be cut anywhere. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.#lost) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#payload?.set(chunk.subarray(at, at + taken), this.#payload.length - this.#left);
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#endFrame();
      } else {
        this.#takePrefix(chunk[at]!);
        at += 1;
      }
    }
  }

  #takePrefix(byte: number): void {
    if (this.#prefix === 0) {
      this.#flags = byte;
      this.#length = 0;
      // Unknown flags, or bytes after the end: this is not what it says it is, and nothing may be added to it.
      if (this.#ended || (byte & ~(this.#final.flag | COMPRESSED)) !== 0) this.#lost = true;
    } else {
      this.#length = this.#length * 256 + byte;
    }
    this.#prefix += 1;
    if (this.#prefix < PREFIX_BYTES) return;
    this.#prefix = 0;
    this.#left = this.#length;
    const readable = this.#isFinal() && (this.#flags & COMPRESSED) === 0 && this.#length <= MAX_FINAL_BYTES;
    this.#payload = readable ? Buffer.allocUnsafe(this.#length) : undefined;
    if (this.#left === 0) this.#endFrame();
  }

  #endFrame(): void {
    if (!this.#isFinal()) return;
    this.#ended = true;
    if (this.#payload !== undefined) this.#outcome = this.#final.outcome(this.#payload);
    this.#payload = undefined;
  }

  #isFinal(): boolean {
    return (this.#flags & this.#final.flag) !== 0;
  }
}
