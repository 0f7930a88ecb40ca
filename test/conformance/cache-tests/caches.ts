/** The caches that the suite is run against, each in front of the same origin. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from '../../support/programs.ts';
import { startProcess } from '../../support/started-process.ts';

/** A cache that listens. */
export interface RunningCache extends AsyncDisposable {
  /** Base URL without a slash at the end. */
  readonly url: string;
}

/** Starts a cache in front of an origin on a port of 127.0.0.1. */
export type StartCache = (originPort: number) => Promise<RunningCache>;

/** The gateway in a process of its own, with the config beside this file. */
export const startGatehouse: StartCache = async (originPort) => {
  const { GATEHOUSE_CONFIG: _, ...env } = process.env;
  const main = join(import.meta.dirname, '../../../src/main.ts');
  const args = [main, 'serve', '--config', join(import.meta.dirname, 'gatehouse.yaml')];
  const started = startProcess(process.execPath, args, {
    env: { ...env, CACHE_TESTS_ORIGIN: `127.0.0.1:${originPort}` },
  });
  const { url } = await started.line((line) => line.event === 'listening' && line.listener === 'clear');
  return { url: String(url).replace(/\/$/, ''), [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() };
};

/** nginx with the cache that the suite itself gives it: `proxy_cache` with `proxy_cache_revalidate`, and nothing more. */
export const startNginx: StartCache = async (originPort) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-cache-tests-'));
  // Started by root its worker runs as nobody, who must get in.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr notice;
events { worker_connections 2048; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=cache:8m max_size=100m inactive=600m;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${originPort};
      proxy_cache cache;
      proxy_cache_revalidate on;
    }
  }
}
`,
  );
  const child = spawn(program('nginx'), ['-p', folder, '-c', file, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  let log = '';
  const ready = Promise.withResolvers<void>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    if (log.includes('start worker process ')) ready.resolve();
  });
  void ended.then(() => ready.reject(new Error(`nginx ended: ${log}`)));
  await ready.promise;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** No cache at all: what the suite says of nothing. */
export const startNone: StartCache = async (originPort) => ({
  url: `http://127.0.0.1:${originPort}`,
  [Symbol.asyncDispose]: async () => {},
});

/** nginx cannot say which port it took, so it is given one that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
