/** A Redis or Valkey server of a test, on a port of the system's choice or a socket in a folder of its own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient, type RedisClientOptions } from '@redis/client';
import { program } from '../../support/programs.ts';

/** A server that was started; it keeps nothing on disk. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  /** Kills it without a word. */
  kill(): Promise<void>;
  /** Starts it anew at the same address, empty. */
  restart(): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

/** Starts one and waits until it takes connections; `options` are lines of redis.conf. */
export async function startRedis(
  options: readonly string[] = [],
  kind: 'socket' | 'tcp4' | 'tcp6' | 'tls' = 'socket',
): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const path = join(folder, 'redis.sock');
  const host = kind === 'tcp6' ? '::1' : '127.0.0.1';
  const port = kind === 'socket' ? 0 : await freePort(host);
  const address =
    kind === 'socket'
      ? ['--port', '0', '--unixsocket', path]
      : ['--bind', host, ...(kind === 'tls' ? ['--port', '0', '--tls-port'] : ['--port']), String(port)];
  const args = [...address, '--dir', folder, '--save', '', '--appendonly', 'no', ...options];
  const start = async () => {
    const child = spawn(program('redis'), args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    const said: string[] = [];
    const ready = Promise.withResolvers<void>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      said.push(line);
      // "The server is now ready to accept connections at /…", "Ready to accept connections".
      if (/ready to accept connections/i.test(line)) ready.resolve();
    });
    void ended.then(() => ready.reject(new Error(`ended before it was ready: ${said.join('\n')}`)));
    ready.promise.catch(() => {});
    await ready.promise;
    return { child, ended };
  };
  let running = await start().catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const kill = async (): Promise<void> => {
    running.child.kill('SIGKILL');
    await running.ended;
  };
  return {
    url:
      kind === 'socket'
        ? `unix:${path}`
        : `${kind === 'tls' ? 'rediss' : 'redis'}://${kind === 'tcp6' ? '[::1]' : host}:${port}/0`,
    kill,
    async restart() {
      await rm(path, { force: true });
      running = await start();
    },
    signal: (name) => void running.child.kill(name),
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A connection of the test's own to a server on a socket. */
export async function clientOf({ url }: RedisServer) {
  const socket: NonNullable<RedisClientOptions['socket']> = { path: url.slice('unix:'.length), tls: false };
  const client = createClient({ socket, RESP: 2 });
  await client.connect();
  return client;
}

/** A port that was free a moment ago: the server takes a number only. */
async function freePort(host: string): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
