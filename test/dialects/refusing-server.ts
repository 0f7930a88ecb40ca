/** A server without a gateway, HTTP/1.1 and cleartext HTTP/2, that answers every request by its dialect. */

import http1 from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { GatewayError } from '../../src/core/errors.ts';
import type { Dialect, RequestHead } from '../../src/core/exchange.ts';
import { frame } from '../../src/dialects/frames.ts';
import { dialectOf } from '../../src/dialects/index.ts';

/** What the server does: refuse at once, or send one empty message and then fail. */
export interface Plan {
  readonly error: GatewayError;
  readonly afterMessage?: boolean;
}

/** A running server; `plan` is what the next requests meet. */
export interface RefusingServer extends AsyncDisposable {
  plan: Plan | undefined;
  /** Base addresses by version of HTTP. */
  readonly url: { readonly '1.1': string; readonly '2': string };
}

/** Starts a server on two free ports of the loopback. */
export async function startRefusingServer(): Promise<RefusingServer> {
  const sockets = new Set<Socket>();
  const listen = async (server: http1.Server | http2.Http2Server): Promise<string> => {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const server1 = http1.createServer((request, response) => {
    request.resume().on('end', () => {
      const head = headOf(request.method!, request.url!, 1, request.headers);
      const dialect = dialectOf(head);
      const { error, afterMessage } = running.plan!;
      if (afterMessage) {
        response.writeHead(200, { 'content-type': head.contentType });
        response.write(emptyMessage(head));
        response.end(dialect.endFrame!(error, head));
        return;
      }
      const { status, headers, body } = refuse(dialect, head, error);
      response.writeHead(status, headers).end(body ?? undefined);
    });
  });
  const server2 = http2.createServer();
  server2.on('stream', (stream: http2.ServerHttp2Stream, fields: http2.IncomingHttpHeaders) => {
    stream.on('error', () => {});
    stream.resume();
    stream.on('end', () => {
      const head = headOf(fields[':method']!, fields[':path']!, 2, fields);
      const dialect = dialectOf(head);
      const { error, afterMessage } = running.plan!;
      if (afterMessage) return failAfterMessage(stream, dialect, head, error);
      const { status, headers, body } = refuse(dialect, head, error);
      stream.respond({ ':status': status, ...headers }, { endStream: body === null });
      if (body !== null) stream.end(body);
    });
  });
  const running: RefusingServer = {
    plan: undefined,
    url: { '1.1': await listen(server1), '2': await listen(server2) },
    async [Symbol.asyncDispose]() {
      for (const server of [server1, server2]) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return running;
}

function refuse(dialect: Dialect, head: RequestHead, error: GatewayError) {
  return dialect.refuse({ error, requestId: 'request-1', head, form: 'rest' });
}

function headOf(method: string, target: string, version: number, headers: http1.IncomingHttpHeaders): RequestHead {
  return { method, path: target, contentType: headers['content-type'] ?? '', httpVersionMajor: version, headers };
}

function emptyMessage(head: RequestHead): Buffer {
  return frame(0, head.contentType.endsWith('json') ? '{}' : '');
}

function failAfterMessage(stream: http2.ServerHttp2Stream, dialect: Dialect, head: RequestHead, error: GatewayError) {
  const trailers = dialect.endWith(error);
  stream.respond({ ':status': 200, 'content-type': head.contentType }, { waitForTrailers: trailers !== undefined });
  stream.write(emptyMessage(head));
  stream.on('wantTrailers', () => {
    const fields: Record<string, string> = {};
    for (let i = 0; i < trailers!.length; i += 2) fields[trailers![i]!] = trailers![i + 1]!;
    stream.sendTrailers(fields);
  });
  stream.end(dialect.endFrame?.(error, head));
}
