/** One small answer of an endpoint, whole: for checks and hints, never for clients. */

import { GatewayError } from '../core/errors.ts';
import { type Fields, type Receiver, ResetCode, type UpstreamStream } from '../core/raw.ts';
import type { Endpoint } from './endpoint.ts';
import type { OpenRequest } from './pool.ts';

/** A whole answer whose body is small. */
export interface SmallAnswer {
  readonly status: number;
  readonly fields: Fields;
  readonly body: string;
  /** The same body. */
  readonly bytes: Buffer;
  /** Empty where there are none. */
  readonly trailers: Fields;
}

/** What is asked, for how long in milliseconds, and how many bytes of body are taken. */
export interface AskOptions {
  /** GET where it is not given. */
  readonly method?: string;
  /** What is sent with it. */
  readonly body?: Uint8Array;
  readonly path: string;
  readonly authority: string;
  readonly scheme: OpenRequest['scheme'];
  readonly fields?: Fields;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** Asks for a path; rejects with a GatewayError when there is no whole answer in time or it is larger than `maxBytes`. */
export async function ask(endpoint: Pick<Endpoint, 'name' | 'open'>, options: AskOptions): Promise<SmallAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<SmallAnswer>();
  let stream: UpstreamStream | undefined;
  let status = 0;
  let fields: Fields = [];
  let bytes = 0;
  const chunks: Uint8Array[] = [];
  let wanted = true;
  const give = (error: GatewayError): void => {
    wanted = false;
    reject(error);
    stream?.reset(ResetCode.CANCEL);
  };
  const timer = setTimeout(
    () => give(new GatewayError('DEADLINE_EXCEEDED', { detail: endpoint.name })),
    options.timeoutMs,
  );
  timer.unref();
  const whole = (trailers: Fields = []): void => {
    const all = Buffer.concat(chunks);
    resolve({ status, fields, body: all.toString('utf8'), bytes: all, trailers });
  };
  const receiver: Receiver = {
    onHead(head, ended) {
      status = Number(head[1]);
      fields = head;
      if (ended) whole();
      else stream?.resume();
    },
    onData(chunk) {
      bytes += chunk.length;
      if (bytes > options.maxBytes) give(new GatewayError('UPSTREAM_PROTOCOL', { detail: 'answer too large' }));
      else chunks.push(chunk);
    },
    onEnd: (trailers) => whole(trailers),
    onReset: (reset) =>
      reject(new GatewayError('UPSTREAM_RESET', { detail: `code ${reset.code}`, cause: reset.cause })),
    onDrain() {},
    onClose: () => clearTimeout(timer),
  };
  endpoint
    .open({
      method: options.method ?? 'GET',
      path: options.path,
      authority: options.authority,
      scheme: options.scheme,
      fields: options.fields ?? [],
      ended: options.body === undefined,
      wanted: () => wanted,
      receiver,
    })
    .then((opened) => {
      stream = opened;
      if (options.body !== undefined) {
        opened.write(options.body);
        opened.end();
      }
      if (status !== 0) opened.resume();
    }, reject);
  return promise.finally(() => clearTimeout(timer));
}
