import { join } from 'node:path';
import type { Peer } from './peer.ts';

/** HAProxy: HTTP/2 to the upstream for everything, `proto h2`; cache and compression for the Console only. */
export const haproxy: Peer = {
  name: 'haproxy',
  what: 'proto h2 to the upstream, cache and compression for the Console',
  needs: ['haproxy'],
  config: ({ port, certificate, upstreamPort, accessLog }) => [
    {
      name: 'haproxy.cfg',
      text: `global
  nbthread 1
  maxconn 4000
${accessLog ? '  log stdout format raw local0 info\n' : ''}  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
${accessLog ? '  log global\n  option httplog\n' : ''}  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
cache console
  total-max-size 64
  max-object-size 8388608
  max-age 3600
frontend public
  bind 127.0.0.1:${port} ssl crt ${certificate.both} alpn h2,http/1.1
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  acl device path /oauth/v2/device_authorization
  http-request track-sc0 src table callers if device
  http-request deny deny_status 429 if device { sc_http_req_rate(0) gt 1 }
  use_backend console if { path_beg /ui/console/ }
  default_backend zitadel
backend callers
  stick-table type ip size 1m expire 1h store http_req_rate(1h)
backend zitadel
  server zitadel 127.0.0.1:${upstreamPort} proto h2
backend console
  filter cache console
  filter compression
  compression algo gzip
  compression type text/javascript text/css application/json text/html image/svg+xml text/plain
  compression offload
  http-request cache-use console
  http-response cache-store console
  server zitadel 127.0.0.1:${upstreamPort} proto h2
`,
    },
  ],
  command: ({ folder }) => ['haproxy', '-db', '-f', join(folder, 'haproxy.cfg')],
};
