/** Requests as clients of ZITADEL send them, and an answer as it gives: what cases are fed with. */

import { decodePath, routerPath } from '../../src/core/path.ts';
import type { Connection, Fields, RawRequest } from '../../src/core/raw.ts';

const TOKEN = 'Bearer a-token-of-usual-length-0123456789abcdef0123456789abcdef0123456789abcdef';

/** What Chromium sends for a call of the Console, without Host. */
export const BROWSER_FIELDS: Readonly<Fields> = [
  ...[
    'sec-ch-ua-platform',
    '"Linux"',
    'sec-ch-ua',
    '"Chromium";v="141", "Not?A_Brand";v="8"',
    'sec-ch-ua-mobile',
    '?0',
  ],
  'user-agent',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  ...['accept', 'application/json, text/plain, */*', 'authorization', TOKEN, 'x-zitadel-orgid', '312345678901234567'],
  ...['origin', 'https://id.example.com', 'sec-fetch-site', 'same-origin', 'sec-fetch-mode', 'cors'],
  ...['sec-fetch-dest', 'empty', 'referer', 'https://id.example.com/ui/console/users'],
  ...['accept-encoding', 'gzip, deflate, br, zstd', 'accept-language', 'en-GB,en;q=0.9,de;q=0.8'],
  ...['cookie', '__Host-zitadel.useragent=MTczNDA5NjQ1NHxuZE1fVmZ5Q2h3T0RsQ3ZyQ2p3; theme=dark', 'priority', 'u=1, i'],
];

/** What @grpc/grpc-js 1.14.7 sends for a unary call with a deadline and a token. */
export const GRPC_FIELDS: Readonly<Fields> = [
  ...['authorization', TOKEN, 'grpc-accept-encoding', 'identity,deflate,gzip', 'accept-encoding', 'identity'],
  ...[
    'grpc-timeout',
    '9990m',
    'user-agent',
    'grpc-node-js/1.14.7',
    'content-type',
    'application/grpc',
    'te',
    'trailers',
  ],
];

/** The head of an answer of ZITADEL's Console, `:status` first. */
export const ANSWER_FIELDS: Readonly<Fields> = [
  ...[':status', '200', 'cache-control', 'public, max-age=604800, s-maxage=604800', 'content-length', '18211'],
  'content-security-policy',
  "default-src 'none'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self' " +
    "'unsafe-inline'; font-src 'self'; img-src 'self' blob: data:; manifest-src 'self'; object-src 'none'",
  ...['content-type', 'text/javascript; charset=utf-8', 'date', 'Mon, 02 Nov 2026 08:00:00 GMT'],
  ...[
    'etag',
    '"5f1b6d3c"',
    'expires',
    'Mon, 09 Nov 2026 08:00:00 GMT',
    'last-modified',
    'Mon, 26 Oct 2026 08:00:00 GMT',
  ],
  ...['referrer-policy', 'same-origin', 'vary', 'Origin', 'x-content-type-options', 'nosniff'],
  ...['x-frame-options', 'DENY', 'x-robots-tag', 'none', 'x-xss-protection', '1; mode=block'],
];

/** A connection from this address. */
export function connectionFrom(peerAddress: string, listener = 'public'): Connection {
  return { id: 1, peerAddress, listener, tlsVersion: 'TLSv1.3', serverName: 'id.example.com' };
}

/** What is asked. */
export interface Asked {
  readonly method: string;
  readonly target: string;
  readonly fields: Readonly<Fields>;
  readonly connection?: Connection;
}

/** A request over HTTP/2, as far as anything looks at it before its body. */
export function requestOf({ method, target, fields, connection = connectionFrom('203.0.113.7') }: Asked): RawRequest {
  const headers: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) headers[fields[i]!] = fields[i + 1]!;
  const { path, encodedSlash } = decodePath(target)!;
  return {
    ...{ method, requestedMethod: method, target, path, encodedSlash, url: routerPath(path), headers, connection },
    fields: [...fields],
    httpVersionMajor: 2,
    httpVersion: '2.0',
    authority: 'id.example.com',
    stream: { ended: method === 'GET' },
    fault: undefined,
    faultDetail: undefined,
    socket: {},
  } as unknown as RawRequest;
}
