import { join } from 'node:path';
import type { Peer } from './peer.ts';

/** A server of node:http2 that answers from memory and does nothing else: what cannot be beaten on Node. */
export const bare: Peer = {
  name: 'node',
  what: 'bare node:http2, answers in memory',
  needs: [],
  config: () => [],
  command: ({ root, port, certificate }) => [
    process.execPath,
    join(import.meta.dirname, 'bare-server.ts'),
    root,
    String(port),
    certificate.key,
    certificate.certificate,
  ],
};
