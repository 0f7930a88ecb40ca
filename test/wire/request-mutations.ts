/** Valid HTTP/1.1 requests, and what can be done to their bytes so that they are none: RFC 9112. */

import type { Chance } from '../support/chance.ts';

const VALID: readonly string[] = [
  'GET /v2/users?a=b HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n',
  'POST /v2/users HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}',
  'POST /v2/users HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nx-t: a\r\n\r\n',
  'POST /v2/users HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nab',
  'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  'GET /v2/users HTTP/1.0\r\nhost: localhost\r\nconnection: keep-alive\r\n\r\n',
  'HEAD /v2/users HTTP/1.1\r\nhost: localhost\r\n\r\nGET /v2/users HTTP/1.1\r\nhost: localhost\r\n\r\n',
];

/** What parsers disagree about. */
const PIECES: readonly string[] = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  '\x0b',
  '\xff',
  '%00',
  '%2f',
  '..',
  '//',
  '\r\n folded',
  'transfer-encoding: chunked\r\n',
  'content-length: 5\r\n',
  'content-length: 99999999999999999999\r\n',
  'host: other\r\n',
  'connection: close, host\r\n',
  'upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n',
  'ffffffffffffffff\r\n',
  '0\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'HTTP/1.1',
  'GET http://localhost/ HTTP/1.1\r\n',
  `x: ${'y'.repeat(40_000)}\r\n`,
];

type Mutation = (bytes: Buffer, at: number, chance: Chance) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  (bytes, at, chance) => {
    const out = Buffer.from(bytes);
    if (at < out.length) out[at]! ^= 1 << chance.below(8);
    return out;
  },
  (bytes, at, chance) => Buffer.concat([bytes.subarray(0, at), chance.bytes(1 + chance.below(4)), bytes.subarray(at)]),
  (bytes, at, chance) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + chance.below(8))]),
  (bytes, at, chance) => piece(bytes, at, chance),
  (bytes, at, chance) => piece(bytes, bytes.indexOf('\r\n', at) + 2, chance),
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, chance) => Buffer.concat([bytes, bytes.subarray(at, at + chance.below(60))]),
];

function piece(bytes: Buffer, at: number, chance: Chance): Buffer {
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(chance.of(PIECES), 'latin1'), bytes.subarray(at)]);
}

/** One or two requests with one to three things wrong. */
export function mutatedRequest(chance: Chance): Buffer {
  let bytes: Buffer = Buffer.from(chance.of(VALID) + (chance.oneIn(3) ? chance.of(VALID) : ''), 'latin1');
  for (let left = 1 + chance.below(3); left > 0; left -= 1) {
    bytes = chance.of(MUTATIONS)(bytes, chance.below(bytes.length + 1), chance);
  }
  return bytes;
}
