/** A well-behaved HTTP/2 client: it goes on by another session after GOAWAY, and sends again what was refused unprocessed. */

import http2 from 'node:http2';

/** A status and a body. */
export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** What is sent, with its pseudo-header fields. */
export interface H2Request {
  readonly headers: http2.OutgoingHttpHeaders;
  readonly body?: string;
  readonly timeoutMs: number;
}

const AGAIN = new Set(['ERR_HTTP2_GOAWAY_SESSION', 'ERR_HTTP2_INVALID_SESSION']);

/** One origin, one session at a time. */
export class H2Caller implements Disposable {
  readonly #url: string;
  readonly #options: http2.SecureClientSessionOptions;
  readonly #onResend: () => void;
  #session: http2.ClientHttp2Session | undefined;

  constructor(url: string, options: http2.SecureClientSessionOptions, onResend: () => void) {
    this.#url = url;
    this.#options = options;
    this.#onResend = onResend;
  }

  /** Rejects with why it failed. */
  async call(request: H2Request): Promise<Reply> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(request);
      } catch (error) {
        const { code, refused } = error as NodeJS.ErrnoException & { refused?: boolean };
        if (attempt === 3 || !(refused || AGAIN.has(code ?? ''))) throw error;
        this.#onResend();
      }
    }
  }

  #open(): http2.ClientHttp2Session {
    const known = this.#session;
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const session = http2.connect(this.#url, this.#options);
    session.on('error', () => {});
    this.#session = session;
    return session;
  }

  #once({ headers, body, timeoutMs }: H2Request): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const session = this.#open();
    const stream = session.request(headers, { endStream: body === undefined });
    const timer = setTimeout(() => {
      reject(new Error(`no answer in ${timeoutMs} ms`));
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }, timeoutMs);
    let status = 0;
    let text = '';
    let ended = false;
    stream.setEncoding('utf8');
    stream.on('response', (answer) => {
      status = answer[':status'] ?? 0;
    });
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('end', () => {
      ended = true;
    });
    stream.on('error', (error) => {
      const refused = stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM;
      reject(Object.assign(error, { refused }));
    });
    stream.on('close', () => {
      clearTimeout(timer);
      if (ended && status !== 0 && stream.rstCode === 0) return resolve({ status, body: text });
      const refused = stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM;
      reject(Object.assign(new Error(`cut, RST_STREAM ${stream.rstCode}`), { refused }));
    });
    if (body !== undefined) stream.end(body);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#session?.destroy();
  }
}
