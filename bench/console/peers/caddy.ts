import { join } from 'node:path';
import type { Peer } from './peer.ts';

/** Caddy as its documentation has it: it has no cache, every answer is fetched and compressed. */
export const caddy: Peer = {
  name: 'caddy',
  what: 'reverse_proxy, encode zstd gzip',
  needs: ['caddy'],
  environment: { GOMAXPROCS: '1' },
  config: ({ folder, port, certificate, originPort }) => [
    {
      name: 'Caddyfile',
      text: `{
  admin off
  auto_https off
  storage file_system ${folder}/data
  default_sni localhost
}
https://127.0.0.1:${port}, https://localhost:${port} {
  bind 127.0.0.1
  tls ${certificate.certificate} ${certificate.key}
  encode zstd gzip
  reverse_proxy 127.0.0.1:${originPort} {
    header_up -Accept-Encoding
    transport http {
      compression off
    }
  }
}
`,
    },
  ],
  command: ({ folder }) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')],
};
