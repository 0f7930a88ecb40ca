/** The words of HTTP/2 on the wire, RFC 9113 sections 4 to 7. */

/** Frame types. */
export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

/**
 * Flags of frames; which of them a frame can have depends on its type. PART is none of the wire, where they have eight
 * bits: more of a DATA frame is to come.
 */
export const Flag = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20, PART: 0x100 } as const;

/** Identifiers of SETTINGS. */
export const SettingId = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

/** Error codes, section 7. */
export const ErrorCodes = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  ENHANCE_YOUR_CALM: 0xb,
} as const;

/** The name of an error code, RFC 9113 section 7. */
export type ErrorName = keyof typeof ErrorCodes;

/** What a client says first, section 3.4. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** The head of every frame, in bytes. */
export const HEAD_BYTES = 9;

/** SETTINGS_MAX_FRAME_SIZE where nobody said another; ours stays at that. */
export const DEFAULT_FRAME_BYTES = 16_384;

/** Windows where nobody said another, in bytes. */
export const DEFAULT_WINDOW_BYTES = 65_535;

/** The largest window and the largest stream id. */
export const MAX_31 = 0x7fffffff;

/** The connection must end: GOAWAY with this code. `limit` names the key of the config. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: ErrorName;
  readonly limit: string | undefined;

  constructor(code: ErrorName, reason: string, limit?: string) {
    super(reason);
    this.code = code;
    this.limit = limit;
  }
}
