/** Pods behind one name: cleartext HTTP/2 servers on addresses of the loopback network, all on one port. */

import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';

/** One pod; answers everything with 200 and its own address, checks too. */
export class Pod implements AsyncDisposable {
  readonly address: string;
  readonly #server: http2.Http2Server;
  readonly #sessions = new Set<http2.ServerHttp2Session>();
  /** Paths of requests, without those of checks. */
  readonly asked: string[] = [];
  /** What a path is answered with, where it is not answered at once. */
  readonly held = new Map<string, Promise<unknown>>();

  private constructor(address: string, server: http2.Http2Server) {
    this.address = address;
    this.#server = server;
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
      session.on('error', () => {});
    });
    server.on('stream', async (stream: http2.ServerHttp2Stream, headers) => {
      const path = headers[':path']!;
      stream.on('error', () => {});
      if (!path.startsWith('/debug/')) this.asked.push(path);
      stream.respond({ ':status': 200, 'x-pod': address, 'content-type': 'text/plain' });
      await this.held.get(path);
      if (!stream.destroyed) stream.end(address);
    });
  }

  static async start(address: string, port: number): Promise<Pod> {
    const server = http2.createServer();
    server.listen(port, address);
    await once(server, 'listening');
    return new Pod(address, server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends at once, as a pod that is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Pods 127.0.0.1, 127.0.0.2 and so on. */
export async function startPods(
  count: number,
): Promise<{ readonly pods: readonly Pod[]; readonly port: number } & AsyncDisposable> {
  for (;;) {
    const first = await Pod.start('127.0.0.1', 0);
    const { port } = first;
    const pods = [first];
    try {
      for (let index = 2; index <= count; index += 1) pods.push(await Pod.start(`127.0.0.${index}`, port));
    } catch {
      for (const pod of pods) await pod[Symbol.asyncDispose]();
      continue; // the port is taken on another address
    }
    return {
      pods,
      port,
      async [Symbol.asyncDispose]() {
        for (const pod of pods) await pod[Symbol.asyncDispose]();
      },
    };
  }
}
