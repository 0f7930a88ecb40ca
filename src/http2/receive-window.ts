/** A window that we give to a peer, RFC 9113 section 5.2. */

/** Bytes that a peer may send, given back as they are read. */
export class ReceiveWindow {
  readonly #size: number;
  #left: number;
  #owed = 0;

  /** `size`: bytes, as announced. */
  constructor(size: number) {
    this.#size = size;
    this.#left = size;
  }

  /** Bytes have come; false where there are more than were allowed. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** Bytes were read; gives how many to announce now, 0 for none: half a window at a time. */
  give(bytes: number): number {
    this.#owed += bytes;
    if (this.#owed * 2 < this.#size) return 0;
    const given = this.#owed;
    this.#owed = 0;
    this.#left += given;
    return given;
  }
}
