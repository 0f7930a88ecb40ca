/** One HTTP/2 client of a server under test, for looking at answers before they are measured. */

import { once } from 'node:events';
import http2 from 'node:http2';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Site, SiteFile } from './site.ts';

/** What every request of the bench says it takes. */
export const ACCEPT_ENCODING = 'br, zstd, gzip';

/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number;
  readonly coding: string;
  readonly cacheStatus: string;
  /** The names of its fields, sorted. */
  readonly fields: readonly string[];
  /** Whether the length was known before the body: a stored answer has it, one that is coded as it streams has not. */
  readonly sized: boolean;
  readonly body: Buffer;
}

/** A connection; one request at a time is enough. */
export class Probe implements AsyncDisposable {
  readonly #session: http2.ClientHttp2Session;

  constructor(port: number) {
    this.#session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    this.#session.on('error', () => {});
  }

  /** Asks for a path. Rejects when the stream or the connection breaks. */
  async ask(path: string): Promise<Answer> {
    const stream = this.#session.request({ ':path': path, 'accept-encoding': ACCEPT_ENCODING });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
    if (!stream.readableEnded) await once(stream, 'end');
    return {
      status: head[':status'] ?? 0,
      coding: head['content-encoding'] ?? 'identity',
      cacheStatus: String(head['cache-status'] ?? ''),
      fields: Object.keys(head).sort(),
      sized: head['content-length'] !== undefined,
      body: Buffer.concat(chunks),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.destroy();
  }
}

const DECODERS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  identity: (body) => body,
  br: brotliDecompressSync,
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
};

/** What is wrong with an answer: it must be the file, byte for byte, once decoded. */
export function wrong(file: SiteFile, { status, coding, body }: Answer): string | undefined {
  if (status !== 200) return `${file.path}: ${status}`;
  const decode = DECODERS[coding];
  if (decode === undefined) return `${file.path}: coding ${coding}`;
  return decode(body).equals(file.body) ? undefined : `${file.path}: other bytes than the origin's (${coding})`;
}

/** Asks for every file until the answers are what they stay to be. Gives what is wrong in the end, undefined if nothing. */
export async function warm(port: number, { files }: Site, settled: (answer: Answer) => boolean, waitMs: number) {
  await using probe = new Probe(port);
  let deadline = performance.now() + waitMs;
  let late = '';
  for (const file of files) {
    await probe.ask(file.path);
    let answer = await probe.ask(file.path);
    while (!settled(answer)) {
      if (performance.now() > deadline) {
        late ||= `${file.path}: not settled after ${waitMs} ms (${answer.coding}, Cache-Status ${answer.cacheStatus || 'none'})`;
        // What one file did not become in all this time, the others will not.
        deadline = 0;
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
      answer = await probe.ask(file.path);
    }
    const problem = wrong(file, answer);
    if (problem !== undefined) throw new Error(problem);
  }
  return late === '' ? undefined : late;
}
