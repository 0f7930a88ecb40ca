import { join } from 'node:path';
import { nginxFrame } from '../../peers/nginx-frame.ts';
import type { Peer, Setup } from './peer.ts';

const BROTLI_MODULE = '/usr/lib/nginx/modules/ngx_http_brotli_static_module.so';
/** The frame of all variants, around what one serves. */
function nginxConfig(setup: Setup, location: string, before = ''): string {
  const http = `  sendfile on;
  tcp_nopush on;
  open_file_cache max=1000 inactive=1h;
  open_file_cache_valid 1h;
  output_buffers 2 128k;
  http2_chunk_size 16k;`;
  return nginxFrame(setup, { before, http, server: `    location / {\n${location}\n    }` });
}

const cached = (port: number, more: string): string => `      proxy_pass http://127.0.0.1:${port};
      proxy_http_version 1.1;
      proxy_cache console;
      proxy_buffers 64 32k;
      ${more}`;

function nginx(name: string, what: string, text: (setup: Setup) => string, needs: readonly string[] = []): Peer {
  return {
    name,
    what,
    needs: ['nginx', ...needs],
    config: (setup) => [{ name: 'nginx.conf', text: text(setup) }],
    command: ({ folder }) => ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')],
  };
}

const onTheFly = (level: number) => (setup: Setup) =>
  nginxConfig(
    setup,
    cached(setup.originPort, `proxy_set_header Accept-Encoding "";\n      gzip on;\n      gzip_comp_level ${level};`),
  );

/** nginx as it is usually set up: the cache keeps what the origin sent, every answer is compressed anew. */
export const nginxUsual = nginx('nginx', 'proxy_cache, gzip 6 on the fly', onTheFly(6));

/** The same at the level that nginx has when none is said. */
export const nginxQuick = nginx('nginx-gzip-1', 'proxy_cache, gzip 1 on the fly', onTheFly(1));

/** nginx at its best: the ways in which it compresses nothing itself. */
export const nginxBest: readonly Peer[] = [
  nginx('nginx-cached-gzip', 'proxy_cache of an origin that sends gzip 9', (setup) =>
    nginxConfig(setup, cached(setup.codedOriginPort, 'proxy_set_header Accept-Encoding gzip;')),
  ),
  nginx('nginx-gzip-static', 'gzip_static from disk, gzip 9', (setup) =>
    nginxConfig(setup, `      root ${setup.root};\n      index index.html;\n      gzip_static on;`),
  ),
  nginx(
    'nginx-brotli-static',
    'brotli_static from disk, brotli 11',
    (setup) =>
      nginxConfig(
        setup,
        `      root ${setup.root};\n      index index.html;\n      brotli_static on;`,
        `load_module ${BROTLI_MODULE};\n`,
      ),
    [BROTLI_MODULE],
  ),
];
