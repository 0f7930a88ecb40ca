/** A well-behaved HTTP/1.1 client: it keeps connections, and sends once more where a kept one was closed under it. */

import https from 'node:https';
import type { Reply } from './h2-caller.ts';

/** GETs to one origin. */
export class H1Caller implements Disposable {
  readonly #url: string;
  readonly #agent: https.Agent;
  readonly #onResend: () => void;

  constructor(url: string, options: https.AgentOptions, onResend: () => void) {
    this.#url = url;
    this.#agent = new https.Agent({ ...options, keepAlive: true, maxFreeSockets: 4 });
    this.#onResend = onResend;
  }

  /** Rejects with why it failed. */
  async get(path: string, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<Reply> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(path, headers, timeoutMs);
      } catch (error) {
        if (attempt === 3 || !(error as { stale?: boolean }).stale) throw error;
        this.#onResend();
      }
    }
  }

  #once(path: string, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const request = https.get(`${this.#url}${path}`, { agent: this.#agent, headers }, async (answer) => {
      try {
        let body = '';
        for await (const chunk of answer.setEncoding('utf8')) body += chunk;
        resolve({ status: answer.statusCode ?? 0, body });
      } catch (error) {
        reject(error);
      }
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    request.on('close', () => clearTimeout(timer));
    request.on('error', (error: NodeJS.ErrnoException) => {
      // What Node's documentation tells clients to do (http.ClientRequest, reusedSocket).
      const stale = request.reusedSocket && error.code === 'ECONNRESET';
      reject(Object.assign(error, { stale }));
    });
    return promise;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
