/** An origin whose answers each test sets, over cleartext HTTP/2 or HTTP/1.1, and that counts what it was asked. */

import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { Lookout } from './lookout.ts';

export type OriginProtocol = 'h2c' | 'http/1.1';

/** Header fields of an answer; several lines of one name as a list. */
export type Said = Readonly<Record<string, string | number | string[]>>;

/** One request as the origin has it. */
export class Asked {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** The answer by hand; over HTTP/2 it is the compatible one of Node. */
  readonly response: ServerResponse;
  /** Nobody wants the answer any more, or it is complete. */
  readonly closed: Promise<unknown>;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.method = request.method!;
    this.target = request.url!;
    this.headers = request.headers;
    this.response = response;
    response.sendDate = false;
    this.closed = once(response, 'close');
  }

  /** A whole answer. */
  answer(status: number, said: Said = {}, body: string | Buffer = ''): void {
    this.head(status, said);
    this.response.end(body);
  }

  /** The head of an answer whose body comes by hand. */
  head(status: number, said: Said = {}): void {
    for (const [name, value] of Object.entries(said)) this.response.setHeader(name, value);
    this.response.writeHead(status);
    this.response.flushHeaders?.();
  }

  write(chunk: string | Buffer): boolean {
    return this.response.write(chunk);
  }

  /** Ends in the middle: RST_STREAM over HTTP/2, a closed connection over HTTP/1.1. */
  cut(): void {
    const { stream } = this.response as unknown as { stream?: http2.ServerHttp2Stream };
    if (stream === undefined) this.response.destroy();
    else stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  }
}

export interface Origin extends AsyncDisposable {
  readonly protocol: OriginProtocol;
  /** `host:port`. */
  readonly address: string;
  /** Requests so far, without those by which the gateway looks whether it is there. */
  readonly asked: readonly Asked[];
  /** Deals with each request when it is here. */
  play(asked: Asked): void;
  /** The nth request, now or later. */
  nth(index: number): Promise<Asked>;
  /** Cuts all connections and refuses new ones. */
  die(): Promise<void>;
  /** Listens again, at the same address. */
  revive(): Promise<void>;
}

/** Starts an origin; `port` where it must be a certain one. */
export async function startOrigin(protocol: OriginProtocol): Promise<Origin> {
  const asked: Asked[] = [];
  const lookout = new Lookout();
  const sockets = new Set<Socket>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    response.on('error', () => {});
    if (request.url!.startsWith('/debug/')) {
      response.end();
      return;
    }
    request.resume();
    const one = new Asked(request, response);
    asked.push(one);
    origin.play(one);
    lookout.look();
  };
  const make = (): http.Server | http2.Http2Server => {
    const server =
      protocol === 'h2c'
        ? http2.createServer(onRequest as unknown as Parameters<typeof http2.createServer>[1])
        : http.createServer(onRequest);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    });
    server.on('sessionError', () => {});
    return server;
  };
  const listen = async (server: http.Server | http2.Http2Server, port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  let server = make();
  const port = await listen(server, 0);
  const end = async (cut: (socket: Socket) => void): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) cut(socket);
    await closed;
  };
  const origin: Origin = {
    protocol,
    address: `127.0.0.1:${port}`,
    asked,
    play: (one) => one.answer(404),
    nth: (index) => lookout.for(() => asked[index]),
    die: () => end((socket) => socket.resetAndDestroy()),
    async revive() {
      server = make();
      await listen(server, port);
    },
    // Not by a reset: Node 26.10 may then wait for ever for a write of the session when the process ends.
    [Symbol.asyncDispose]: () => end((socket) => socket.destroy()),
  };
  return origin;
}
