/** The part of ws 8 that the stand-in uses; the package comes without types, as a dependency of @fastify/http-proxy. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  export class WebSocket extends EventEmitter<{
    open: [];
    message: [Buffer, boolean];
    close: [number, Buffer];
    error: [Error];
    'unexpected-response': [unknown, IncomingMessage];
  }> {
    constructor(
      address: string,
      options?: { headers?: Record<string, string>; rejectUnauthorized?: boolean; ca?: string },
    );
    send(data: string | Uint8Array, options?: { binary?: boolean }): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
  }

  export class WebSocketServer {
    constructor(options: { noServer: true });
    readonly clients: Set<WebSocket>;
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, ready: (socket: WebSocket) => void): void;
    close(): void;
  }
}
