/** `gatehouse explain --live`: the same question to the gateway that runs, which knows what its keys have left. */

import http from 'node:http';
import type { ExplainQuestion } from '../admin/entry.ts';
import { parseListenAddress } from '../config/address.ts';
import { loadConfig } from '../config/load.ts';

/** How long the admin listener may take, in milliseconds. */
const TIMEOUT_MS = 5000;
/** More than any answer has, in bytes. */
const MAX_BYTES = 1_048_576;

/** Asks the admin listener of the config and prints its answer; exit code 1 where there is none. */
export async function explainLive(file: string, question: ExplainQuestion): Promise<number> {
  const { admin } = (await loadConfig(file)).config;
  if (!admin.enabled) throw new Error('admin.enabled is false: there is no admin listener to ask');
  const { host, port } = parseListenAddress(admin.address)!;
  if (port === 0) throw new Error('admin.address has port 0: expected the port that the gateway is bound to');
  const query = new URLSearchParams({ method: question.method, url: question.url, ip: question.ip });
  for (const header of question.headers) query.append('header', header);
  if (question.listener !== undefined) query.set('listener', question.listener);
  // An address that takes all interfaces is reached on this machine by loopback.
  const reached = host === '::' ? '::1' : host === '0.0.0.0' ? '127.0.0.1' : host;
  const { status, text } = await get({ host: reached, port, path: `/explain?${query}`, token: admin.token });
  if (status === 200) {
    process.stdout.write(text);
    return 0;
  }
  throw new Error(`the admin listener at ${admin.address} answered ${status}: ${text.trim()}`);
}

interface Asked {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly token: string | undefined;
}

function get({ host, port, path, token }: Asked): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const headers = { host: 'localhost', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const request = http.get({ host, port, path, headers, agent: false, timeout: TIMEOUT_MS }, (answer) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) request.destroy(new Error(`the admin listener sent more than ${MAX_BYTES} bytes`));
      else chunks.push(chunk);
    });
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
  });
  request.on('timeout', () => request.destroy(new Error(`the admin listener did not answer in ${TIMEOUT_MS} ms`)));
  request.on('error', (error) =>
    reject(new Error(`the admin listener at ${host} port ${port} cannot be asked: ${error.message}`, { cause: error })),
  );
  return promise;
}
