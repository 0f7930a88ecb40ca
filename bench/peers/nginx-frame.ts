import type { Place } from './peer.ts';

/** What a config has of its own: before all blocks, in the block of HTTP, and in that of the server. */
export interface NginxParts {
  readonly before?: string;
  readonly http: string;
  readonly server: string;
  readonly accessLog?: boolean;
}

/** An nginx.conf of one worker with TLS and HTTP/2, whose connections stay; all its files are in the folder. */
export function nginxFrame({ folder, port, certificate }: Place, { before = '', http, server, accessLog }: NginxParts) {
  return `${before}worker_processes 1;
worker_rlimit_nofile 8192;
daemon off;
user root;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections 4096; }
http {
  types { text/javascript js; text/css css; application/json json; text/html html; image/svg+xml svg;
          image/png png; image/x-icon ico; font/woff2 woff2; text/plain webmanifest; }
  access_log ${accessLog === true ? `${folder}/access.log` : 'off'};
  server_tokens off;
  # Clients keep their connections; it would close each after a thousand requests.
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=console:10m max_size=200m inactive=1h;
  gzip_types text/javascript text/css application/json image/svg+xml text/plain;
  gzip_min_length 256;
  gzip_vary on;
${http}
  server {
    listen 127.0.0.1:${port} ssl http2 reuseport;
    ssl_certificate ${certificate.certificate};
    ssl_certificate_key ${certificate.key};
    ssl_protocols TLSv1.2 TLSv1.3;
${server}
  }
}
`;
}
