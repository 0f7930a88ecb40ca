import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { Ledger, type RequestRecord } from './ledger.ts';
import type { Connection } from './listener.ts';
import { BASE_PATH, LoginV2 } from './login-v2.ts';
import { Visit } from './visit.ts';

/** How a stand-in for Login v2 is set up. Nothing is needed. */
export interface LoginStandInOptions {
  /** Address to bind: 127.0.0.1 when left out. */
  readonly host?: string;
  /** Port to bind: any free one when left out. */
  readonly port?: number;
  /** Base URL of the API (`ZITADEL_API_URL`), which `/ready` asks. Always ready when left out. */
  readonly apiUrl?: string;
  /** How many request records are kept, 1000 when left out. */
  readonly keepRecords?: number;
  readonly now?: () => Date;
}

/** A running stand-in for Login v2. */
export interface LoginStandIn extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** What it received, oldest first. WebSockets are not in it. */
  readonly requests: readonly RequestRecord[];
  waitFor(predicate: (record: RequestRecord) => boolean, signal?: AbortSignal): Promise<RequestRecord>;
  /** Wrong passwords so far, by login name. */
  readonly wrongAttempts: ReadonlyMap<string, number>;
  /** WebSockets that are open. */
  readonly openWebSockets: number;
  close(): Promise<void>;
}

/** Where Next.js in development has its WebSocket. */
export const WEBSOCKET_PATH = `${BASE_PATH}/_next/webpack-hmr`;

/** Starts a stand-in for Login v2: a Next.js server, HTTP/1.1 only. */
export async function startLoginStandIn(options: LoginStandInOptions = {}): Promise<LoginStandIn> {
  const host = options.host ?? '127.0.0.1';
  const ledger = new Ledger(options.keepRecords ?? 1000);
  const login = new LoginV2(options.now ?? (() => new Date()), () => isReady(options.apiUrl));
  const connections = new Map<Socket, Connection>();
  const webSockets = new WebSocketServer({ noServer: true });
  let ids = 0;

  const server = http.createServer({ keepAliveTimeout: 5000 }, (request, reply) => {
    const visit = new Visit(request, reply, connections.get(request.socket)!);
    ledger.open(visit);
    login.answer(visit).catch(() => visit.reset());
  });
  server.on('connection', (socket) => {
    ids += 1;
    connections.set(socket, { id: ids, socket, session: undefined, streams: new Set(), refuseAbove: undefined });
    socket.on('error', () => {});
    socket.on('close', () => connections.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    if (request.url?.split('?', 1)[0] !== WEBSOCKET_PATH) {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => {});
      webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
    });
  });
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    webSockets.close();
    for (const socket of connections.keys()) socket.destroy();
    await closed;
  };
  return {
    host,
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    requests: ledger.records,
    waitFor: (predicate, signal) => ledger.waitFor(predicate, signal),
    wrongAttempts: login.state.wrongAttempts,
    get openWebSockets() {
      return webSockets.clients.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function isReady(apiUrl: string | undefined): Promise<boolean> {
  if (apiUrl === undefined) return true;
  try {
    const answer = await fetch(new URL('/debug/ready', apiUrl));
    return answer.ok;
  } catch {
    return false;
  }
}
