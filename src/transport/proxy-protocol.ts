/**
 * The PROXY protocol, versions 1 and 2: a header by which a load balancer says, before anything else on a connection,
 * whose connection it is. https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
 */

import { isIPv4, isIPv6 } from 'node:net';
import { canonicalAddress } from '../core/address.ts';
import { crc32c } from './crc32c.ts';

/** The longest header of version 1 in bytes, CRLF included; section 2.1. */
const MAX_V1_BYTES = 107;
/**
 * The longest header of version 2 that is read, in bytes after its first 16. Addresses take 36, the extras (TLV) of load
 * balancers some hundred; the format would allow 65,535.
 */
const MAX_V2_BYTES = 4096;

const V1_BEGIN = Buffer.from('PROXY ', 'latin1');
const V2_BEGIN = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** The signature, version and command, family and transport, length; section 2.2. */
const V2_FIXED = 16;
/** The type of the TLV that has a CRC32C of the whole header; section 2.2.2. */
const TLV_CRC32C = 0x03;

/** A whole header. */
export interface ProxyHeader {
  /** How many bytes it took. What follows them is the connection itself. */
  readonly length: number;
  /**
   * `named`: somebody's connection. `local`: the load balancer's own, to see whether we are alive. `unknown`: somebody's,
   * but it cannot say whose.
   */
  readonly kind: 'named' | 'local' | 'unknown';
  /** Whose it is: IPv4 or IPv6 in canonical form, IPv4-mapped IPv6 folded. Only where `kind` is `named`. */
  readonly source?: string;
}

/** What is no header of the PROXY protocol, or one that cannot be used. The message is one of a few fixed texts. */
export class ProxyHeaderError extends Error {}

/** Reads a header from the first bytes of a connection: undefined while more are needed; throws ProxyHeaderError. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  if (begins(bytes, V1_BEGIN)) return bytes.length < V1_BEGIN.length ? undefined : parseV1(bytes);
  if (begins(bytes, V2_BEGIN)) return bytes.length < V2_FIXED ? checkV2(bytes) : parseV2(bytes);
  throw new ProxyHeaderError('no PROXY header');
}

/** Whether the bytes are a beginning of this, or go on from it. */
function begins(bytes: Buffer, beginning: Buffer): boolean {
  const compared = Math.min(bytes.length, beginning.length);
  return bytes.compare(beginning, 0, compared, 0, compared) === 0;
}

/** One space between the parts and no others. */
const V1 = /^PROXY (TCP4|TCP6) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n$/;

function parseV1(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf('\r\n', 0, 'latin1');
  if (end === -1) {
    if (bytes.length < MAX_V1_BYTES) return undefined;
    throw new ProxyHeaderError('a PROXY header longer than 107 bytes');
  }
  const length = end + 2;
  const line = bytes.toString('latin1', 0, length);
  // What stands after UNKNOWN must not be looked at.
  if (/^PROXY UNKNOWN[ \r]/.test(line)) return { length, kind: 'unknown' };
  const match = V1.exec(line);
  if (match === null) throw new ProxyHeaderError('a malformed PROXY header');
  const [, protocol, source = '', destination = '', from, to] = match;
  const is = protocol === 'TCP4' ? isIPv4 : isIPv6;
  const zone = line.includes('%');
  if (zone || !is(source) || !is(destination) || Number(from) > 65_535 || Number(to) > 65_535) {
    throw new ProxyHeaderError('a malformed PROXY header');
  }
  return { length, kind: 'named', source: canonicalAddress(source)! };
}

/** Refuses what of the fixed part is here already and cannot become a header. */
function checkV2(bytes: Buffer): undefined {
  const version = bytes[12];
  if (version !== undefined && version !== 0x20 && version !== 0x21) {
    throw new ProxyHeaderError('a PROXY header of another version or command');
  }
}

function parseV2(bytes: Buffer): ProxyHeader | undefined {
  checkV2(bytes);
  const rest = bytes.readUInt16BE(14);
  if (rest > MAX_V2_BYTES) throw new ProxyHeaderError('a PROXY header longer than 4112 bytes');
  const length = V2_FIXED + rest;
  if (bytes.length < length) return undefined;
  // LOCAL: everything else must be ignored, the family too.
  if (bytes[12] === 0x20) return { length, kind: 'local' };
  const family = bytes[13]!;
  if (family === 0x00) return { length, kind: 'unknown' };
  // Datagrams and UNIX sockets carry no clients of ours.
  if (family !== 0x11 && family !== 0x21) throw new ProxyHeaderError('a PROXY header of no TCP connection');
  const addresses = family === 0x11 ? 12 : 36;
  if (rest < addresses) throw new ProxyHeaderError('a malformed PROXY header');
  checkExtras(bytes.subarray(0, length), V2_FIXED + addresses);
  return { length, kind: 'named', source: family === 0x11 ? ipv4(bytes) : ipv6(bytes) };
}

/** Walks the TLVs: each must fit, and a checksum must be right. */
function checkExtras(header: Buffer, begin: number): void {
  let at = begin;
  while (at < header.length) {
    const value = at + 3;
    const end = value <= header.length ? value + header.readUInt16BE(at + 1) : Number.POSITIVE_INFINITY;
    if (end > header.length) throw new ProxyHeaderError('a malformed PROXY header');
    if (header[at] === TLV_CRC32C) {
      if (end - value !== 4) throw new ProxyHeaderError('a malformed PROXY header');
      const zeroed = Buffer.from(header).fill(0, value, end);
      if (crc32c(zeroed) !== header.readUInt32BE(value)) {
        throw new ProxyHeaderError('a PROXY header with a wrong checksum');
      }
    }
    at = end;
  }
}

function ipv4(bytes: Buffer): string {
  return bytes.subarray(V2_FIXED, V2_FIXED + 4).join('.');
}

function ipv6(bytes: Buffer): string {
  const groups: string[] = [];
  for (let at = V2_FIXED; at < V2_FIXED + 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
  return canonicalAddress(groups.join(':'))!;
}
