/** Several parts of a body in one answer: multipart/byteranges, RFC 9110 section 14.6. */

import { type ByteRange, contentRange } from './ranges.ts';

/** A multipart body, not yet copied together. */
export interface Multipart {
  /** The Content-Type of the answer. */
  readonly contentType: string;
  readonly contentLength: number;
  /** The pieces to write, in their order; parts of the body are views of it. */
  readonly chunks: readonly Uint8Array[];
}

/** The answer with these parts of a body. `boundary` must not occur in the body: random, and long enough. */
export function multipart(
  body: Uint8Array,
  ranges: readonly ByteRange[],
  contentType: string | undefined,
  boundary: string,
): Multipart {
  const type = contentType === undefined ? '' : `content-type: ${contentType}\r\n`;
  const chunks: Uint8Array[] = [];
  for (const [i, range] of ranges.entries()) {
    const head = `${i === 0 ? '' : '\r\n'}--${boundary}\r\n${type}content-range: ${contentRange(range, body.length)}\r\n\r\n`;
    chunks.push(Buffer.from(head, 'latin1'), body.subarray(range.first, range.last + 1));
  }
  chunks.push(Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1'));
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    contentLength: chunks.reduce((sum, { length }) => sum + length, 0),
    chunks,
  };
}
