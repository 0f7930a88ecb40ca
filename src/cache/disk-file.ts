/** The form of one file of the disk tier: what it is, how long it is, and a digest over all of it. */

/** `GHSC`, for the stored cache of the gateway. */
const MAGIC = 0x47_48_53_43;
/** Of the form of files; what another version wrote is thrown away. */
const DISK_VERSION = 1;
const PREFIX_BYTES = 16;
const DIGEST_BYTES = 32;
/** The longest head that is read, in bytes; heads of answers are bounded far below. */
const MAX_HEAD_BYTES = 1_048_576;
/** What a file has beside its payload, at most. */
export const MAX_FRAME_BYTES = PREFIX_BYTES + MAX_HEAD_BYTES + DIGEST_BYTES;

/** What is in a file. */
export const FileKind = { ENTRY: 1, BODY: 2, CODING: 3 } as const;
export type FileKind = (typeof FileKind)[keyof typeof FileKind];

/** A file that is not one of ours as we wrote it: never used, always thrown away. */
export class DiskFileError extends Error {}

/**
 * The bytes of a file: magic, version, kind, two lengths, a head in JSON, the payload, and SHA-256 over all before it.
 * Digests are made in the thread pool, so that megabytes do not hold up the event loop.
 */
export async function sealed(kind: FileKind, head: unknown, payload: Uint8Array): Promise<Buffer> {
  const text = Buffer.from(JSON.stringify(head));
  if (text.length > MAX_HEAD_BYTES) throw new DiskFileError(`a head of ${text.length} bytes`);
  const bytes = Buffer.alloc(PREFIX_BYTES + text.length + payload.byteLength + DIGEST_BYTES);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt8(DISK_VERSION, 4);
  bytes.writeUInt8(kind, 5);
  bytes.writeUInt32BE(text.length, 8);
  bytes.writeUInt32BE(payload.byteLength, 12);
  bytes.set(text, PREFIX_BYTES);
  bytes.set(payload, PREFIX_BYTES + text.length);
  const end = bytes.length - DIGEST_BYTES;
  bytes.set(await digestOf(bytes.subarray(0, end)), end);
  return bytes;
}

/** Head and payload of a file that `sealed` made; rejects with a DiskFileError that says what is wrong with it. */
export async function unsealed(
  bytes: Buffer<ArrayBuffer>,
  kind: FileKind,
): Promise<{ head: unknown; payload: Uint8Array<ArrayBuffer> }> {
  if (bytes.length < PREFIX_BYTES + DIGEST_BYTES) throw new DiskFileError('too short');
  if (bytes.readUInt32BE(0) !== MAGIC) throw new DiskFileError('not a file of this cache');
  const version = bytes.readUInt8(4);
  if (version !== DISK_VERSION) throw new DiskFileError(`version ${version}, expected ${DISK_VERSION}`);
  if (bytes.readUInt8(5) !== kind || bytes.readUInt16BE(6) !== 0) throw new DiskFileError('of another kind');
  const headEnd = PREFIX_BYTES + bytes.readUInt32BE(8);
  const end = headEnd + bytes.readUInt32BE(12);
  if (end + DIGEST_BYTES !== bytes.length) throw new DiskFileError('cut, or longer than it says');
  const digest = await digestOf(bytes.subarray(0, end));
  if (!digest.equals(bytes.subarray(end))) throw new DiskFileError('its digest is another one');
  try {
    return {
      head: JSON.parse(bytes.toString('utf8', PREFIX_BYTES, headEnd)) as unknown,
      payload: bytes.subarray(headEnd, end),
    };
  } catch (cause) {
    throw new DiskFileError('its head is no JSON', { cause });
  }
}

/** SHA-256, made in the thread pool. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Buffer> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes));
}
