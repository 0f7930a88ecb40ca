/** One request to an upstream and its answer, on a session of the gateway's own HTTP/2. */

import type { Fields, UpstreamStream } from '../../core/raw.ts';
import { FrameMessage, type StreamOwner } from '../../http2/message.ts';
import { ErrorCodes } from '../../http2/protocol.ts';
import type { OpenRequest } from '../pool.ts';
import { goodAnswerTrailers, readAnswerHead } from './answer-head.ts';

/** One stream of a session. */
export class FrameUpstreamStream extends FrameMessage implements UpstreamStream {
  readonly session: number;
  readonly #isHead: boolean;
  #answered = false;

  constructor(
    id: number,
    owner: StreamOwner,
    session: number,
    request: Pick<OpenRequest, 'method' | 'receiver'>,
    windows: { readonly sendWindow: number; readonly receiveWindow: number },
  ) {
    super(id, owner, { ...windows, ended: false, patient: true });
    this.session = session;
    this.receiver = request.receiver;
    this.#isHead = request.method === 'HEAD';
  }

  /** The request ended with its head. */
  askedWhole(): void {
    this.endedWithHead();
  }

  /** A header block of the answer: an interim one, its head, or its trailers. */
  takeFields(fields: Fields, ended: boolean): void {
    if (this.#answered) {
      if (ended && goodAnswerTrailers(fields)) this.takeEnd(fields);
      else this.owner.broken(this, ErrorCodes.PROTOCOL_ERROR);
      return;
    }
    const head = readAnswerHead(fields);
    const interim = head !== undefined && head.status < 200;
    // 101 is none of HTTP/2: section 8.6.
    if (head === undefined || (interim && (ended || head.status === 101))) {
      this.owner.broken(this, ErrorCodes.PROTOCOL_ERROR);
      return;
    }
    if (interim) {
      this.receiver.onInterim?.(head.status, fields);
      return;
    }
    this.#answered = true;
    // What is told of a body that does not come is that of another answer: RFC 9110 section 8.6.
    const bodiless = this.#isHead || head.status === 204 || head.status === 304;
    this.expect(bodiless ? '0' : head.contentLength);
    if (ended && !bodiless && Number(head.contentLength ?? 0) > 0) {
      this.owner.broken(this, ErrorCodes.PROTOCOL_ERROR);
      return;
    }
    // First of all, as whoever is told may reset the stream.
    if (ended) this.remoteDone = true;
    this.receiver.onHead?.(fields, ended);
    if (ended) this.heardAll();
  }

  /** DATA before the head is none. */
  override takeData(bytes: Buffer, start: number, end: number): void {
    if (this.#answered) {
      super.takeData(bytes, start, end);
      return;
    }
    this.owner.consumed(undefined, end - start);
    this.owner.broken(this, ErrorCodes.PROTOCOL_ERROR);
  }

  override takeEnd(trailers: Fields | undefined): void {
    if (this.#answered) super.takeEnd(trailers);
    else this.owner.broken(this, ErrorCodes.PROTOCOL_ERROR);
  }
}
