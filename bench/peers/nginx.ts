import { join } from 'node:path';
import { nginxFrame } from './nginx-frame.ts';
import type { Peer } from './peer.ts';

/**
 * nginx: RPC by grpc_pass, which is its HTTP/2 to an upstream; the rest by proxy_pass with kept connections, which costs it
 * less. gRPC-Web, in base64 too, and Connect it passes on as they are.
 */
export const nginx: Peer = {
  name: 'nginx',
  what: 'grpc_pass for RPC, proxy_pass for the rest, proxy_cache and gzip for the Console',
  needs: ['nginx'],
  config: (setup) => {
    const upstream = (name: string): string =>
      `  upstream ${name} {
    server 127.0.0.1:${setup.upstreamPort};
    keepalive 64;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }`;
    const proxied = `proxy_pass http://zitadel;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto https;`;
    const http = `  sendfile on;
  tcp_nopush on;
  limit_req_zone $binary_remote_addr zone=device:1m rate=1r/m;
  limit_req_status 429;
  limit_req_log_level info;
${upstream('zitadel')}
${upstream('zitadel_rpc')}`;
    const server = `    ssl_session_cache shared:tls:10m;
    location / {
      ${proxied}
    }
    location = /oauth/v2/device_authorization {
      limit_req zone=device;
      ${proxied}
    }
    location ~ "^/[a-z0-9_.]+\\.v[0-9][a-z0-9]*\\.[A-Za-z]+Service/" {
      client_max_body_size 0;
      grpc_pass grpc://zitadel_rpc;
      grpc_set_header Host $http_host;
      grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      grpc_set_header X-Forwarded-Proto https;
      grpc_read_timeout 1h;
      grpc_send_timeout 1h;
      grpc_buffer_size 16k;
    }
    location /ui/console/ {
      ${proxied}
      proxy_set_header Accept-Encoding "";
      proxy_cache console;
      proxy_buffers 64 32k;
      gzip on;
    }`;
    return [{ name: 'nginx.conf', text: nginxFrame(setup, { http, server, accessLog: setup.accessLog }) }];
  },
  command: ({ folder }) => ['nginx', '-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')],
};
