/** What a header block can do wrong. */

/**
 * A header block that cannot be read. The table is no longer known, so the connection must end:
 * GOAWAY(COMPRESSION_ERROR), RFC 9113 section 4.3.
 */
export class HpackError extends Error {
  override readonly name = 'HpackError';
}
