/** Requests that nobody wants the rest of, RFC 9113 section 8.1. */

import { ErrorCodes } from '../../../http2/protocol.ts';
import type { FrameStream } from './stream.ts';

/**
 * Streams whose answer is out while their request is not complete. Each is reset with NO_ERROR, its END_STREAM first, but
 * not before a turn of the event loop is over: the end of the request may be on its way.
 */
export class UploadStops {
  #answered: FrameStream[] = [];
  #waited: FrameStream[] = [];

  add(stream: FrameStream): void {
    this.#answered.push(stream);
  }

  /** Resets those that have waited; true where others must wait on, and this be called again. */
  stop(): boolean {
    const waited = this.#waited;
    if (waited.length === 0 && this.#answered.length === 0) return false;
    this.#waited = this.#answered;
    this.#answered = [];
    for (const stream of waited) if (!stream.remoteDone) stream.reset(ErrorCodes.NO_ERROR);
    return this.#waited.length > 0;
  }
}
