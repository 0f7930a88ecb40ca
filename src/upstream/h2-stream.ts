/** The client's side of an HTTP/2 stream of Node as an upstream stream. */

import type { ClientHttp2Stream } from 'node:http2';
import { ResetCode, type UpstreamStream } from '../core/raw.ts';
import { NodeHttp2Stream } from '../streams/http2.ts';
import type { OpenRequest } from './pool.ts';

/** What is known of the session under a stream. */
export interface SessionState {
  readonly id: number;
  /** The last stream id of a GOAWAY; higher ones were not processed, RFC 9113 section 6.8. */
  lastStreamId: number;
}

/** One request and its answer on an HTTP/2 session. */
export class H2UpstreamStream extends NodeHttp2Stream implements UpstreamStream {
  readonly session: number;
  readonly #state: SessionState;

  constructor(stream: ClientHttp2Stream, state: SessionState, request: OpenRequest) {
    super(stream, true);
    if (!request.ended) this.speaksInPieces();
    this.session = state.id;
    this.#state = state;
    this.receiver = request.receiver;
    if (request.ended) this.markLocalDone();
    stream.on('headers', (headers: { ':status'?: number }, _flags: number, fields: string[]) => {
      this.receiver.onInterim?.(headers[':status'] ?? 0, fields);
    });
    stream.on('response', (headers: { 'content-length'?: string }, flags: number, fields: string[]) => {
      const ended = (flags & 0x1) === 0x1;
      if (ended) {
        this.peerDone = true;
        stream.resume(); // a paused readable side would keep the stream from closing
      } else if (headers['content-length'] !== undefined && request.method !== 'HEAD') {
        this.expected = Number(headers['content-length']);
      }
      this.receiver.onHead?.(fields, ended);
    });
  }

  protected override unprocessed(code: number): boolean {
    const { id } = this.stream;
    return code === ResetCode.REFUSED_STREAM || id === undefined || id > this.#state.lastStreamId;
  }
}
