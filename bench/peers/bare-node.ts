import { join } from 'node:path';
import type { Peer } from './peer.ts';

/** The floor: streams of Node's own http2, piped. What the gateway takes beyond it is what it does. */
export const bareNode: Peer = {
  name: 'bare-node',
  what: 'node:http2, streams piped to streams with their trailers, and nothing else',
  needs: [process.execPath],
  cannot: {
    'limiter-deny': 'it has no limits',
    'rest-json-h1': 'it speaks HTTP/2 only',
  },
  config: () => [],
  command: ({ port, upstreamPort, certificate }) => [
    process.execPath,
    join(import.meta.dirname, 'bare-proxy.ts'),
    ...[port, upstreamPort, certificate.certificate, certificate.key].map(String),
  ],
};
