/** PROXY headers as load balancers send them, so that tests can come from any address. */

import { isIPv6 } from 'node:net';
import { crc32c } from '../../src/transport/crc32c.ts';

export interface ProxyHeaderOptions {
  readonly destination?: string;
  /** TLVs of version 2: type and value. */
  readonly extras?: readonly (readonly [type: number, value: Buffer])[];
  /** Adds the TLV with the CRC32C of the whole. */
  readonly checksum?: boolean;
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** A header of version 2 of any bytes behind the first twelve. */
export function rawV2(command: number, family: number, rest: Buffer): Buffer {
  const fixed = Buffer.from([command, family, 0, 0]);
  fixed.writeUInt16BE(rest.length, 2);
  return Buffer.concat([SIGNATURE, fixed, rest]);
}

/** A TLV of version 2. */
export function tlv(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}

/** The header of a connection of `source`, an IPv4 or IPv6 address. */
export function proxyHeader(version: 1 | 2, source: string, options: ProxyHeaderOptions = {}): Buffer {
  const v6 = isIPv6(source);
  const { destination = v6 ? '2001:db8::ffff' : '192.0.2.255', extras = [], checksum = false } = options;
  if (version === 1) return Buffer.from(`PROXY TCP${v6 ? 6 : 4} ${source} ${destination} 51000 443\r\n`, 'latin1');
  const ports = Buffer.from([0xc7, 0x38, 0x01, 0xbb]);
  const parts = [bytesOf(source), bytesOf(destination), ports, ...extras.map(([type, value]) => tlv(type, value))];
  if (checksum) parts.push(tlv(0x03, Buffer.alloc(4)));
  const header = rawV2(0x21, v6 ? 0x21 : 0x11, Buffer.concat(parts));
  if (checksum) header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}

/** The header of a load balancer's own connection. */
export const LOCAL = rawV2(0x20, 0x00, Buffer.alloc(0));

function bytesOf(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const mapped = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (mapped !== null) {
    const [a = 0, b = 0, c = 0, d = 0] = mapped[2]!.split('.').map(Number);
    return bytesOf(`${mapped[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [left = '', right] = address.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(left), groups(right ?? '')];
  const all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
