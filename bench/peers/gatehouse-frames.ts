import { join } from 'node:path';
import { gatewayConfig } from '../stage/gateway-config.ts';
import type { Peer } from './peer.ts';

const CONFIG = 'gatehouse.yaml';
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** The gateway itself, with its own HTTP/2 to the upstream. */
export const gatehouseFrames: Peer = {
  name: 'gatehouse-frames',
  what: 'the same gateway with upstreams.zitadel.http2_engine: frames',
  needs: [process.execPath],
  config: ({ port, upstreamPort: standInPort, certificate: { certificate, key }, accessLog }) => {
    const files = { port, adminPort: 0, standInPort, certificate, key, accessLog, http2Engine: 'frames' as const };
    return [{ name: CONFIG, text: gatewayConfig(files) }];
  },
  command: ({ folder }) => [process.execPath, MAIN, 'serve', '--config', join(folder, CONFIG)],
};
