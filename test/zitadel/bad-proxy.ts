/** A proxy that does what many do: rewrites Host, passes what clients say about themselves, and loses trailers. */

import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';

export interface BadProxy extends AsyncDisposable {
  readonly url: string;
}

const HOP_BY_HOP = new Set(['connection', 'upgrade', 'http2-settings', 'transfer-encoding', 'keep-alive', 'host']);

/** Starts one in front of an h2c upstream, with a certificate. */
export async function startBadProxy(upstream: string, pair: { cert: string; key: string }): Promise<BadProxy> {
  const session = http2.connect(upstream);
  session.on('error', () => {});
  const server = http2.createSecureServer({ ...pair, allowHTTP1: true });
  server.on('request', (request, reply) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !name.startsWith(':') && !HOP_BY_HOP.has(name)),
    );
    const stream = session.request({ ':method': request.method, ':path': request.url, ...headers });
    request.pipe(stream);
    stream.on('response', ({ ':status': status, ...fields }) => {
      for (const [name, value] of Object.entries(fields)) if (!name.startsWith(':')) reply.setHeader(name, value!);
      reply.writeHead(status ?? 502);
      stream.pipe(reply);
    });
    // Node's sessions are of one mind about errors: without this one stream would take the proxy.
    stream.on('error', () => reply.destroy());
    reply.on('error', () => {});
  });
  server.on('sessionError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      session.destroy();
      server.close();
    },
  };
}
