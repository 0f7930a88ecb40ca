import { join } from 'node:path';
import type { Peer } from './peer.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

/**
 * The gateway with the preset of ZITADEL. All policies of the route stay on; limits by address are wide, because all
 * clients of the bench are one. No server of the bench writes an access log.
 */
export const gatehouse: Peer = {
  name: 'gatehouse',
  what: 'cache and compress of the preset',
  needs: [],
  config: ({ port, adminPort, certificate, originPort }) => [
    {
      name: 'gateway.yaml',
      text: `preset: zitadel
workers: 0
listeners:
  - name: public
    address: "127.0.0.1:${port}"
    tls:
      certificates:
        - certificate_file: ${certificate.certificate}
          key_file: ${certificate.key}
upstreams:
  zitadel:
    protocol: h2c
    endpoints: ["127.0.0.1:${originPort}"]
classes:
  asset:
    rate_limit:
      limits:
        asset-address: { key: [address], requests: 1000000, period_s: 1, burst: 1000000 }
limits:
  per_connection: { header_bytes_per_s: 2000000000 }
  per_address: { header_bytes_per_s: 2000000000 }
admin:
  address: "127.0.0.1:${adminPort}"
log:
  level: warn
  access: false
shutdown:
  drain_delay_ms: 0
  timeout_ms: 500
`,
    },
  ],
  command: ({ folder }) => [process.execPath, MAIN, 'serve', '--config', join(folder, 'gateway.yaml')],
};

/** The same on Node's HTTP/2 engine. */
export const gatehouseNode: Peer = {
  ...gatehouse,
  name: 'gatehouse-node',
  what: 'the same, with limits.http2_engine: node',
  config: (setup) =>
    gatehouse.config(setup).map(({ name, text }) => ({
      name,
      text: text.replace('\nlimits:\n', '\nlimits:\n  http2_engine: node\n'),
    })),
};
