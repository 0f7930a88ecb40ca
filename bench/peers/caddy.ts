import { join } from 'node:path';
import type { Peer } from './peer.ts';

/** Caddy with its transport over h2c, and answers handed on as they come. It has no cache. */
export const caddy: Peer = {
  name: 'caddy',
  what: 'reverse_proxy over h2c, flush_interval -1, encode for the Console',
  needs: ['caddy'],
  environment: { GOMAXPROCS: '1' },
  cannot: { 'limiter-deny': 'Caddy as it is built has no rate limit' },
  config: ({ folder, port, certificate, upstreamPort, accessLog }) => [
    {
      name: 'Caddyfile',
      text: `{
  admin off
  auto_https off
  storage file_system ${folder}/data
  default_sni localhost
  log {
    output ${accessLog ? 'stdout' : 'stderr'}
    level ${accessLog ? 'INFO' : 'ERROR'}
  }
  servers {
    protocols h1 h2
  }
}
https://127.0.0.1:${port}, https://localhost:${port} {
  bind 127.0.0.1
  tls ${certificate.certificate} ${certificate.key}
${accessLog ? '  log {\n    output stdout\n  }\n' : ''}  encode /ui/console/* zstd gzip
  reverse_proxy 127.0.0.1:${upstreamPort} {
    flush_interval -1
    transport http {
      versions h2c
      compression off
    }
  }
}
`,
    },
  ],
  // It keeps a copy of its config where it is told to.
  command: ({ folder }) => [
    ...['env', `XDG_CONFIG_HOME=${folder}`, 'caddy', 'run'],
    ...['--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')],
  ],
};
