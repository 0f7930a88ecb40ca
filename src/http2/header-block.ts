/** A header block on its way in: HEADERS and what CONTINUATION adds, RFC 9113 section 4.3. */

import { ConnectionError } from './protocol.ts';

/** A block may be cut into pieces of this on average and some more; many small ones are a game (CVE-2024-27316). */
const PIECE_BYTES = 1024;
const SPARE_FRAMES = 16;

/** The block that is open, if any; while one is, nothing else may come on the connection. */
export class HeaderBlock {
  readonly #maxBytes: number;
  readonly #maxFrames: number;
  /** The stream it is of; 0 where none is open. */
  stream = 0;
  /** Its HEADERS had END_STREAM. */
  ended = false;
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** `maxBytes`: of a whole block, compressed. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxFrames = SPARE_FRAMES + Math.ceil(maxBytes / PIECE_BYTES);
  }

  /** The first piece of a block that goes on; it is copied, as it must live until the last one has come. */
  begin(stream: number, ended: boolean, piece: Buffer): void {
    this.stream = stream;
    this.ended = ended;
    this.add(piece);
  }

  add(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#maxBytes || this.#pieces.length >= this.#maxFrames) {
      throw new ConnectionError('ENHANCE_YOUR_CALM', 'a header block is too large');
    }
    this.#pieces.push(Buffer.from(piece));
  }

  /** The whole of it; afterwards none is open. */
  take(): Buffer {
    const block = Buffer.concat(this.#pieces, this.#bytes);
    this.stream = 0;
    this.#pieces = [];
    this.#bytes = 0;
    return block;
  }
}
