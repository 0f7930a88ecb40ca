import { type EventEmitter, once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';

/** One whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: http.IncomingHttpHeaders;
}

/** What to ask for; a body makes it a POST. */
export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Uint8Array;
}

/** A client without any library on top. */
export interface Client extends AsyncDisposable {
  ask(path: string, ask?: Ask): Promise<Answer>;
}

/** The two protocols of the stand-in's one port. */
export const PROTOCOLS = ['http/1.1', 'h2c'] as const;

/** A client over either protocol. */
export function connect(url: string, protocol: (typeof PROTOCOLS)[number]): Client {
  return protocol === 'h2c' ? new H2Client(url) : new H1Client(url);
}

/** HTTP/1.1 on one connection. */
export class H1Client implements Client {
  readonly #url: string;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = url;
  }

  async ask(path: string, { method, headers, body }: Ask = {}): Promise<Answer> {
    const { hostname, port } = new URL(this.#url);
    const request = http.request({
      agent: this.#agent,
      hostname,
      port,
      // Not through URL, which would clean the path.
      path,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      maxHeaderSize: 1 << 16,
      ...(headers && { headers }),
    });
    request.end(body);
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    const read = await readAll(answer);
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: read, trailers: answer.trailers };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
  }
}

/** HTTP/2 on one connection. */
export class H2Client implements Client {
  readonly session: http2.ClientHttp2Session;

  constructor(url: string, options: http2.SecureClientSessionOptions = {}) {
    this.session = http2.connect(url, options);
    this.session.on('error', () => {});
  }

  /** Opens a stream without waiting for anything. */
  open(path: string, { method, headers, body }: Ask = {}, endStream = true): http2.ClientHttp2Stream {
    const stream = this.session.request(
      { ':path': path, ':method': method ?? (body === undefined ? 'GET' : 'POST'), ...headers },
      { endStream: endStream && body === undefined, waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({}));
    stream.on('error', () => {});
    if (body !== undefined) {
      if (endStream) stream.end(body);
      else stream.write(body);
    }
    return stream;
  }

  async ask(path: string, ask: Ask = {}): Promise<Answer> {
    const stream = this.open(path, ask);
    let trailers: http.IncomingHttpHeaders = {};
    stream.on('trailers', (received) => {
      trailers = received;
    });
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    const body = await readAll(stream);
    return { status: Number(headers[':status']), headers, body, trailers };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
  }
}

/** One gRPC frame. */
export function frame(payload: string | Uint8Array = ''): Buffer {
  const bytes = Buffer.from(payload as string);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** The trailer frame at the end of a gRPC-Web body, or undefined. */
export function webTrailers(body: Buffer): string | undefined {
  for (let at = 0; at + 5 <= body.length; ) {
    const length = body.readUInt32BE(at + 1);
    if (body[at] === 0x80) return body.toString('latin1', at + 5, at + 5 + length);
    at += 5 + length;
  }
  return undefined;
}

/** Resolves when something has closed, however it ended. */
export function closed(
  thing: EventEmitter & { readonly closed?: boolean; readonly destroyed?: boolean },
): Promise<void> {
  if (thing.closed && thing.destroyed) return Promise.resolve();
  return new Promise((resolve) => thing.once('close', () => resolve()));
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
