/** One small answer of an endpoint, whole: for checks and hints, never for clients. */

import { GatewayError } from '../core/errors.ts';
import { type Fields, type Receiver, ResetCode, type UpstreamStream } from '../core/raw.ts';
import type { Endpoint } from './endpoint.ts';
import type { OpenRequest } from './pool.ts';

export interface SmallAnswer {
  readonly status: number;
  readonly fields: Fields;
  readonly body: string;
}

export interface AskOptions {
  readonly path: string;
  readonly authority: string;
  readonly scheme: OpenRequest['scheme'];
  readonly fields?: Fields;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** GETs a path; rejects with a GatewayError when there is no whole answer in time or it is larger than `maxBytes`. */
export async function ask(endpoint: Endpoint, options: AskOptions): Promise<SmallAnswer> {
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
  const whole = (): void => resolve({ status, fields, body: Buffer.concat(chunks).toString('utf8') });
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
    onEnd: whole,
    onReset: (reset) =>
      reject(new GatewayError('UPSTREAM_RESET', { detail: `code ${reset.code}`, cause: reset.cause })),
    onDrain() {},
    onClose: () => clearTimeout(timer),
  };
  endpoint
    .open({
      method: 'GET',
      path: options.path,
      authority: options.authority,
      scheme: options.scheme,
      fields: options.fields ?? [],
      ended: true,
      wanted: () => wanted,
      receiver,
    })
    .then((opened) => {
      stream = opened;
      if (status !== 0) opened.resume();
    }, reject);
  return promise.finally(() => clearTimeout(timer));
}
