/** A client that speaks one protocol to one deployment, without a library on top that would hide or mend anything. */

import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type tls from 'node:tls';

/** The two protocols of a proxy's public port; with `http:` HTTP/2 is spoken with prior knowledge. */
export const PROTOCOLS = ['http/1.1', 'h2'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What is talked to. */
export interface Target {
  /** Origin, `https://login.example.com` or `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Host to ask for, where it is not the one of `url`. */
  readonly host?: string | undefined;
  /** Takes any certificate. */
  readonly insecure?: boolean | undefined;
  /** PEM of what is trusted besides the system's authorities. */
  readonly ca?: string | undefined;
  /** How long one question may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** What to ask. A body makes it a POST. */
export interface Ask {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Sends the body without its length: in chunks over HTTP/1.1. */
  readonly chunked?: boolean;
  /** Sends these one by one, each after an answer to the one before has begun to arrive. HTTP/2 only. */
  readonly dialogue?: readonly Uint8Array[];
}

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: http.IncomingHttpHeaders;
  /** How many pieces of body arrived while a dialogue was going on. */
  readonly turns: number;
}

/** A client over one protocol. `ask` throws when there is no whole answer in time. */
export interface Talker extends Disposable {
  readonly protocol: Protocol;
  /** What the socket turned out to be, `TLSv1.3, ALPN h2`; undefined before the first answer. */
  readonly socket: string | undefined;
  ask(ask: Ask): Promise<Answer>;
}

/** Makes a talker. Nothing is connected before the first question. */
export function talker(protocol: Protocol, target: Target): Talker {
  return protocol === 'h2' ? new H2Talker(target) : new H1Talker(target);
}

/** The host that a target is asked for, port included. */
export function hostOf({ url, host }: Target): string {
  return host ?? new URL(url).host;
}

/** Options of a TLS client for a target. */
function tlsOptions(target: Target, protocol: Protocol): tls.ConnectionOptions {
  const name = (target.host ?? new URL(target.url).hostname).replace(/:\d+$/, '');
  return {
    ...(target.ca !== undefined && { ca: target.ca }),
    rejectUnauthorized: target.insecure !== true,
    ALPNProtocols: [protocol],
    // An address is not allowed as a server name, RFC 6066 section 3.
    ...(/[a-z]/i.test(name) && !name.includes(':') && { servername: name }),
  };
}

function describe(socket: object): string {
  const { getProtocol, alpnProtocol } = socket as { getProtocol?: () => string | null; alpnProtocol?: string | false };
  return getProtocol ? `${getProtocol.call(socket)}, ALPN ${alpnProtocol || 'none'}` : 'cleartext';
}

class H1Talker implements Talker {
  readonly protocol = 'http/1.1';
  socket: string | undefined;
  readonly #target: Target;
  readonly #agent: http.Agent;

  constructor(target: Target) {
    this.#target = target;
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent = target.url.startsWith('https:')
      ? new https.Agent({ ...options, ...(tlsOptions(target, 'http/1.1') as https.AgentOptions) })
      : new http.Agent(options);
  }

  async ask({ path, method, headers, body, chunked }: Ask): Promise<Answer> {
    const { url, timeoutMs } = this.#target;
    const { hostname, port, protocol } = new URL(url);
    const signal = AbortSignal.timeout(timeoutMs);
    const request = (protocol === 'https:' ? https : http).request({
      agent: this.#agent,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      // Not as a URL, which would clean the path.
      path,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        host: hostOf(this.#target),
        ...(body !== undefined && !chunked && { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
      signal,
    });
    try {
      const answered = once(request, 'response');
      const upgraded = once(request, 'upgrade').then(([answer, socket]) => {
        socket.destroy();
        return [answer];
      });
      upgraded.catch(() => {});
      if (chunked) request.write(body ?? '');
      request.end(chunked ? undefined : body);
      const [answer] = (await Promise.race([answered, upgraded])) as [http.IncomingMessage];
      this.socket ??= describe(answer.socket);
      const read = answer.statusCode === 101 ? Buffer.alloc(0) : await readAll(answer);
      return {
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        body: read,
        trailers: answer.trailers,
        turns: 0,
      };
    } catch (error) {
      throw signal.aborted ? timedOut(timeoutMs) : error;
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

class H2Talker implements Talker {
  readonly protocol = 'h2';
  socket: string | undefined;
  readonly #target: Target;
  #session: http2.ClientHttp2Session | undefined;
  #failure: unknown;

  constructor(target: Target) {
    this.#target = target;
  }

  #connected(): http2.ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = http2.connect(this.#target.url, tlsOptions(this.#target, 'h2'));
    // The streams only say that they were closed; why stands here.
    session.on('error', (error) => {
      this.#failure = error;
    });
    session.on('goaway', (code) => {
      if (code !== 0) this.#failure = new Error(`GOAWAY with code ${code}`);
    });
    this.#failure = undefined;
    this.#session = session;
    return session;
  }

  async ask({ path, method, headers, body, chunked, dialogue }: Ask): Promise<Answer> {
    const { timeoutMs } = this.#target;
    const signal = AbortSignal.timeout(timeoutMs);
    const session = this.#connected();
    const sends = body !== undefined || dialogue !== undefined;
    const stream = session.request(
      {
        ':path': path,
        ':method': method ?? (sends ? 'POST' : 'GET'),
        ':authority': hostOf(this.#target),
        ...(body !== undefined && !chunked && { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
      { endStream: !sends, signal },
    );
    try {
      let trailers: http.IncomingHttpHeaders = {};
      stream.on('trailers', (received) => {
        trailers = received;
      });
      let turns = 0;
      if (dialogue !== undefined) {
        const left = [...dialogue];
        stream.write(left.shift() ?? '');
        stream.on('data', () => {
          turns += 1;
          const next = left.shift();
          if (next === undefined) stream.end();
          else stream.write(next);
        });
      } else if (sends) stream.end(body);
      const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      this.socket ??= describe(session.socket);
      const read = await readAll(stream);
      return { status: Number(answer[':status']), headers: answer, body: read, trailers, turns };
    } catch (error) {
      // A session that is stuck would take the next questions with it.
      if (signal.aborted) session.destroy();
      throw signal.aborted ? timedOut(timeoutMs) : (this.#failure ?? error);
    }
  }

  [Symbol.dispose](): void {
    this.#session?.destroy();
  }
}

function timedOut(timeoutMs: number): Error {
  return new Error(`no whole answer within ${timeoutMs} ms`);
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
