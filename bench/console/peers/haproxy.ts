import { join } from 'node:path';
import type { Peer } from './peer.ts';

/** HAProxy: its cache takes uncoded answers only, so the filter for compression comes after it. */
export const haproxy: Peer = {
  name: 'haproxy',
  what: 'cache, compression algo gzip',
  needs: ['haproxy'],
  config: ({ port, certificate, originPort }) => [
    {
      name: 'haproxy.cfg',
      text: `global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
cache console
  total-max-size 256
  max-object-size 8388608
  max-age 3600
frontend public
  bind 127.0.0.1:${port} ssl crt ${certificate.both} alpn h2,http/1.1
  default_backend zitadel
backend zitadel
  filter cache console
  filter compression
  compression algo gzip
  compression type text/javascript text/css application/json text/html image/svg+xml text/plain
  compression offload
  http-request cache-use console
  http-response cache-store console
  server origin 127.0.0.1:${originPort}
`,
    },
  ],
  command: ({ folder }) => ['haproxy', '-db', '-f', join(folder, 'haproxy.cfg')],
};
