/** The header fields of a request's head, read in one pass. The same for every protocol version. */

import type { Fields } from '../core/raw.ts';

/** A head as routing and forwarding want it. */
export interface HeadFields {
  /** Without pseudo-headers and Host; names lower-case; Cookie in one piece. */
  readonly fields: Fields;
  /** The value of Host, of the last one where there are several. */
  readonly host: string | undefined;
  /** How many Host fields there are. */
  readonly hosts: number;
  /** Names and values with 32 bytes for each field, as HPACK counts (RFC 7541 section 4.1); without pseudo-headers. */
  readonly bytes: number;
  readonly count: number;
  /** A field that may occur once occurs twice: which of them counts would be up to each reader. */
  readonly twice: boolean;
}

/** Fields of a request that may occur once, and that somebody behind or beside us decides by. */
const SINGLE = [
  'access-control-request-method',
  'authorization',
  'connect-protocol-version',
  'connect-timeout-ms',
  'content-length',
  'content-range',
  'content-type',
  'expect',
  'grpc-timeout',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'origin',
  'range',
  'referer',
  'user-agent',
  'x-grpc-web',
  'x-zitadel-orgid',
];

/** Lists that a client may send in several lines, but that `node:http2` sends in one only (kSingleValueFields). */
const ONE_LINE = ['content-encoding', 'content-language', 'if-match', 'if-none-match'];

/** Host and Cookie are read apart; every other name that may not be repeated has a bit of its own. */
const HOST = 0;
const COOKIE = -1;
const JOINED = 1 << SINGLE.length;
const KNOWN = new Map<string, number>([
  ['host', HOST],
  ['cookie', COOKIE],
  ...[...SINGLE, ...ONE_LINE].map((name, index): [string, number] => [name, 1 << index]),
]);

/** Reads a flat list of names and values; pseudo-headers are left to the caller. */
export function headFields(flat: readonly string[], lowerCase: boolean): HeadFields {
  const fields: Fields = [];
  let host: string | undefined;
  let hosts = 0;
  let bytes = 0;
  let count = 0;
  let seen = 0;
  let cookieAt = -1;
  let twice = false;
  for (let i = 0; i < flat.length; i += 2) {
    const name = lowerCase ? flat[i]! : flat[i]!.toLowerCase();
    if (name.charCodeAt(0) === 0x3a) continue;
    const value = flat[i + 1]!;
    bytes += name.length + value.length + 32;
    count += 1;
    const known = KNOWN.get(name);
    if (known === HOST) {
      host = value;
      hosts += 1;
      continue;
    }
    if (known === COOKIE) {
      // HTTP/2 may split it, RFC 9113 section 8.2.3; elsewhere it must be whole.
      if (cookieAt !== -1) {
        fields[cookieAt] += `; ${value}`;
        continue;
      }
      cookieAt = fields.length + 1;
    } else if (known !== undefined) {
      if ((seen & known) !== 0) {
        if (known < JOINED) twice = true;
        else {
          fields[fields.indexOf(name) + 1] += `, ${value}`;
          continue;
        }
      }
      seen |= known;
    }
    fields.push(name, value);
  }
  return { fields, host, hosts, bytes, count, twice };
}
