/** Asks the gateway that runs, by the admin listener of its config. */

import http from 'node:http';
import { parseListenAddress } from '../config/address.ts';
import { loadConfig } from '../config/load.ts';

/** How long the admin listener may take, in milliseconds: to tell, and to do something, for which it waits for its disk. */
const TIMEOUT_MS = { GET: 5000, POST: 35_000, DELETE: 5000 };
/** More than any answer has, in bytes. */
const MAX_BYTES = 4_194_304;

/** What the admin listener is asked. */
export interface AdminAsked {
  readonly method: keyof typeof TIMEOUT_MS;
  /** Path and query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/**
 * The body of the answer. Rejects with what is wrong: no admin listener in the config, nobody there, or an answer other
 * than 200.
 */
export async function askAdmin(file: string, { method, path, body }: AdminAsked): Promise<string> {
  const { admin } = (await loadConfig(file)).config;
  if (!admin.enabled) throw new Error('admin.enabled is false: there is no admin listener to ask');
  const { host, port } = parseListenAddress(admin.address)!;
  if (port === 0) throw new Error('admin.address has port 0: expected the port that the gateway is bound to');
  // An address that takes all interfaces is reached on this machine by loopback.
  const reached = host === '::' ? '::1' : host === '0.0.0.0' ? '127.0.0.1' : host;
  const options: http.RequestOptions = {
    host: reached,
    port,
    path,
    method,
    timeout: TIMEOUT_MS[method],
    headers: { host: 'localhost', ...(admin.token !== undefined && { authorization: `Bearer ${admin.token}` }) },
  };
  const { status, text } = await send(options, body === undefined ? undefined : JSON.stringify(body));
  if (status === 200) return text;
  throw new Error(`the admin listener at ${admin.address} answered ${status}: ${text.trim()}`);
}

function send(options: http.RequestOptions, body: string | undefined): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const request = http.request({ ...options, agent: false }, (answer) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) request.destroy(new Error(`the admin listener sent more than ${MAX_BYTES} bytes`));
      else chunks.push(chunk);
    });
    answer.on('error', reject);
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
  });
  request.on('timeout', () => request.destroy(new Error(`the admin listener did not answer in ${options.timeout} ms`)));
  request.on('error', (error) => {
    const { host, port } = options;
    reject(new Error(`the admin listener at ${host} port ${port} cannot be asked: ${error.message}`, { cause: error }));
  });
  request.end(body);
  return promise;
}
