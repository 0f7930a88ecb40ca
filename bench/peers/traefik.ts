import { join } from 'node:path';
import type { Peer } from './peer.ts';

/** Traefik 3 with a file instead of a cluster, h2c to the upstream, and answers handed on as they come. It has no cache. */
export const traefik: Peer = {
  name: 'traefik',
  what: 'h2c to the upstream, compress for the Console',
  needs: ['traefik'],
  environment: { GOMAXPROCS: '1' },
  config: ({ folder, port, certificate, upstreamPort, accessLog }) => [
    {
      name: 'traefik.yaml',
      text: `global: { checkNewVersion: false, sendAnonymousUsage: false }
log: { level: ERROR }
${accessLog ? 'accessLog: {}\n' : ''}entryPoints:
  public:
    address: "127.0.0.1:${port}"
    transport: { respondingTimeouts: { readTimeout: 0s, idleTimeout: 1h } }
providers:
  file: { filename: "${join(folder, 'routes.yaml')}", watch: false }
`,
    },
    {
      name: 'routes.yaml',
      text: `http:
  routers:
    device: { entryPoints: [public], rule: "Path(\`/oauth/v2/device_authorization\`)", tls: {}, middlewares: [few], service: zitadel }
    console: { entryPoints: [public], rule: "PathPrefix(\`/ui/console/\`)", tls: {}, middlewares: [smaller], service: zitadel }
    zitadel: { entryPoints: [public], rule: "PathPrefix(\`/\`)", tls: {}, service: zitadel }
  middlewares:
    few: { rateLimit: { average: 1, period: 1h, burst: 1 } }
    smaller: { compress: {} }
  services:
    zitadel:
      loadBalancer:
        servers: [{ url: "h2c://127.0.0.1:${upstreamPort}" }]
        responseForwarding: { flushInterval: -1ms }
tls:
  options: { default: { minVersion: VersionTLS12 } }
  stores:
    default:
      defaultCertificate: { certFile: "${certificate.certificate}", keyFile: "${certificate.key}" }
`,
    },
  ],
  command: ({ folder }) => ['traefik', `--configfile=${join(folder, 'traefik.yaml')}`],
};
