/** HTTP/1.1 byte by byte: a client that sends what no library would, and reads what came. RFC 9112. */

import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { connectSocket } from './client-socket.ts';
import { Lookout } from './lookout.ts';

/** One answer as it came. */
export interface RawAnswer {
  readonly status: number;
  /** Names lower-case, in their order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  header(name: string): string | undefined;
}

/** A connection to a listener by hand. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  closed = false;
  /** Everything that came and was not read as an answer yet. */
  rest: Buffer = Buffer.alloc(0);
  readonly #lookout = new Lookout();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.rest = Buffer.concat([this.rest, chunk]);
      this.#lookout.look();
    });
    socket.on('close', () => {
      this.closed = true;
      this.#lookout.look();
    });
  }

  send(...text: (string | Buffer)[]): void {
    this.socket.write(Buffer.concat(text.map((one) => (typeof one === 'string' ? Buffer.from(one, 'latin1') : one))));
  }

  /** Sends a request of these lines, and an empty line. */
  request(...lines: string[]): void {
    this.send(`${lines.join('\r\n')}\r\n\r\n`);
  }

  /** The next answer, 1xx included; undefined when the connection closes without a whole one. */
  async answer(options: { head?: boolean } = {}): Promise<RawAnswer | undefined> {
    let found: RawAnswer | undefined;
    await this.#lookout.until(() => {
      found = this.#take(options.head === true);
      return found !== undefined || this.closed;
    });
    return found;
  }

  /** Resolves when the other side has closed. */
  gone(): Promise<void> {
    return this.#lookout.until(() => this.closed);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #take(head: boolean): RawAnswer | undefined {
    const end = this.rest.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    const [statusLine, ...lines] = this.rest.subarray(0, end).toString('latin1').split('\r\n');
    const headers = lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
    const header = (name: string): string | undefined => headers.find(([one]) => one === name)?.[1];
    const status = Number(statusLine!.split(' ')[1]);
    const after = this.rest.subarray(end + 4);
    const bodyless = head || status < 200 || status === 204 || status === 304;
    const body = bodyless ? { bytes: Buffer.alloc(0), length: 0 } : bodyOf(header, after);
    if (body === undefined) return undefined;
    this.rest = after.subarray(body.length);
    return { status, headers, body: body.bytes, header };
  }
}

function bodyOf(
  header: (name: string) => string | undefined,
  after: Buffer,
): { bytes: Buffer; length: number } | undefined {
  if (header('transfer-encoding') === 'chunked') return chunked(after);
  const length = Number(header('content-length') ?? 0);
  return after.length < length ? undefined : { bytes: after.subarray(0, length), length };
}

function chunked(after: Buffer): { bytes: Buffer; length: number } | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = after.indexOf('\r\n', at);
    if (line === -1) return undefined;
    const size = Number.parseInt(after.subarray(at, line).toString('latin1'), 16);
    at = line + 2;
    if (size === 0) {
      const end = after.indexOf('\r\n', at) === at ? at + 2 : after.indexOf('\r\n\r\n', at) + 4;
      return end < at + 2 ? undefined : { bytes: Buffer.concat(parts), length: end };
    }
    if (after.length < at + size + 2) return undefined;
    parts.push(after.subarray(at, at + size));
    at += size + 2;
  }
}

/**
 * Connects to a listener by hand: TLS with ALPN http/1.1 where a CA is given, else cleartext. `from`: the loopback address
 * to come from.
 */
export async function connectRaw(
  port: number,
  options: { ca?: string; host?: string; from?: string } = {},
): Promise<RawClient> {
  return new RawClient(await connectSocket(port, 'http/1.1', options));
}

/** A request as an HTTP/1.1 upstream received it. */
export interface RawRequestSeen {
  /** The request line and the header lines, as they came. */
  readonly lines: readonly string[];
}

/** An HTTP/1.1 upstream by hand that keeps the heads of its requests and answers each with 200. */
export async function startRawUpstream(): Promise<
  { address: string; received: () => string; seen: RawRequestSeen[] } & AsyncDisposable
> {
  const seen: RawRequestSeen[] = [];
  const sockets = new Set<Socket>();
  let all = '';
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      all += chunk.toString('latin1');
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const lines = text.slice(0, end).split('\r\n');
        const length = Number(lines.find((line) => /^content-length:/i.test(line))?.split(':')[1] ?? 0);
        const lastChunk = lines.some((line) => /^transfer-encoding:/i.test(line))
          ? text.indexOf('\r\n0\r\n', end) + 3
          : end;
        const chunkedEnd = lastChunk === 2 ? -1 : lastChunk === end ? end : text.indexOf('\r\n\r\n', lastChunk);
        if (chunkedEnd === -1 || text.length < end + 4 + length) return;
        text = text.slice(chunkedEnd + 4 + length);
        seen.push({ lines });
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => all,
    seen,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
