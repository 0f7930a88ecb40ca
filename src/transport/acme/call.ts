/** One HTTPS call to a certificate authority, with a limit on its time and on its answer. */

import { request } from 'node:https';
import { rootCertificates } from 'node:tls';

/** The largest answer that is read, in bytes: a chain of certificates has a few thousand. */
const MAX_BYTES = 262_144;
/** How long a call may take, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** What is asked, and for how long. */
export interface CallOptions {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  /** JSON of a signed message. */
  readonly body?: string;
  readonly accept?: string;
  /** PEM of authorities that are trusted beside the usual ones. */
  readonly authorities: readonly string[];
  readonly signal: AbortSignal;
}

/** The whole answer to a call. */
export interface Called {
  readonly status: number;
  /** A field of the answer by its lower-case name; of several the first. */
  field(name: string): string | undefined;
  /** Targets of Link fields of this relation, resolved against the URL. */
  links(relation: string): string[];
  readonly body: string;
}

/** Rejects where there is no whole answer, with a message that names the URL. Follows no redirects. */
export async function call(options: CallOptions): Promise<Called> {
  const { method, url, body, accept, authorities, signal } = options;
  const problem = (what: string, cause?: unknown): Error =>
    new Error(`${method} ${url}: ${what}`, cause === undefined ? {} : { cause });
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') throw problem('expected a URL of https');
  const { promise, resolve, reject } = Promise.withResolvers<Called>();
  const sent = request(url, {
    method,
    // One connection for each call: days lie between them.
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    ...(authorities.length > 0 && { ca: [...rootCertificates, ...authorities] }),
    headers: {
      'user-agent': 'Gatehouse',
      'accept-language': 'en',
      ...(accept !== undefined && { accept }),
      ...(body !== undefined && { 'content-type': 'application/jose+json', 'content-length': Buffer.byteLength(body) }),
    },
  });
  sent.on('error', (error: NodeJS.ErrnoException) => {
    const late = error.name === 'AbortError' && !signal.aborted;
    reject(problem(late ? `no answer within ${TIMEOUT_MS / 1000} seconds` : (error.code ?? error.message), error));
  });
  sent.on('response', (answer) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > MAX_BYTES) sent.destroy(new Error(`the answer has more than ${MAX_BYTES} bytes`));
    });
    answer.on('error', (error) => reject(problem('the answer was cut', error)));
    answer.on('end', () => {
      const field = (name: string): string | undefined => answer.headersDistinct[name]?.[0];
      resolve({
        status: answer.statusCode!,
        field,
        links: (relation) => linksOf(answer.headersDistinct.link ?? [], relation, url),
        body: Buffer.concat(chunks).toString('utf8'),
      });
    });
  });
  sent.end(body);
  return promise;
}

/** Targets of RFC 8288 links of one relation; a directory sends one field for each or joins them by commas. */
export function linksOf(fields: readonly string[], relation: string, base: string): string[] {
  const found: string[] = [];
  for (const [, target, parameters] of fields.join(', ').matchAll(/<([^<>]*)>([^<]*)/g)) {
    const relations = /;\s*rel\s*=\s*"?([^";,]*)"?/i.exec(parameters!)?.[1] ?? '';
    const fits = relations.toLowerCase().split(' ').includes(relation);
    if (fits && URL.canParse(target!, base)) found.push(new URL(target!, base).href);
  }
  return found;
}

/** Retry-After in milliseconds from `now` on, RFC 9110 section 10.2.3; undefined where it is absent or says nothing. */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
