/** Requests that the gateway makes on its own account: the same way upstream as everybody's, with no client at its end. */

import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { RouteInfo } from '../core/exchange.ts';
import { decodePath } from '../core/path.ts';
import type { Fetch, FetchReceiver, FetchRequest } from '../core/policy.ts';
import { type DownstreamStream, type Fields, NOBODY, type RawRequest, type Receiver } from '../core/raw.ts';
import { OpenExchange } from './exchange.ts';
import type { Forward } from './forward.ts';

/** Where the answer to a fetch goes: a downstream stream whose client is whoever asked for it. */
class FetchStream implements DownstreamStream {
  receiver: Receiver = NOBODY;
  readonly ended = true;
  responded = false;
  onClosed: (() => void) | undefined;
  /** Why the answer was cut, where the record knows it. */
  cutBy: (() => GatewayError | undefined) | undefined;
  readonly #to: FetchReceiver;
  #over = false;

  constructor(to: FetchReceiver) {
    this.#to = to;
  }

  pause(): void {}
  resume(): void {}

  inform(status: number, fields: Fields): void {
    if (!this.#over && !this.responded && status > 101) this.#to.onInterim(status, fields);
  }

  respond(status: number, fields: Fields, ended: boolean): void {
    if (this.#over) return;
    this.responded = true;
    this.#to.onHead({ status, fields, ended, source: 'upstream', sink: undefined });
    if (ended) this.end();
  }

  respondWhole(status: number, fields: Fields, body: readonly Uint8Array[]): void {
    this.respond(status, fields, false);
    for (const piece of body) this.write(piece);
    this.end();
  }

  write(chunk: Uint8Array): boolean {
    return this.#over || this.#to.onData(chunk);
  }

  end(trailers?: Fields): void {
    if (this.#over) return;
    this.close();
    this.#to.onEnd(trailers);
  }

  reset(): void {
    this.fail(this.cutBy?.() ?? new GatewayError('UPSTREAM_CUT'));
  }

  fail(error: GatewayError): void {
    if (this.#over) return;
    this.close();
    this.#to.onError(error);
  }

  /** Nothing more is told. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    const { receiver } = this;
    // The relay must have heard the end of its own call before it hears of the stream's.
    queueMicrotask(() => {
      this.receiver = NOBODY;
      receiver.onClose();
      this.onClosed?.();
    });
  }
}

/** The request as the forward handler reads it. */
function rawRequest(request: FetchRequest, stream: DownstreamStream): RawRequest {
  const headers: Record<string, string> = { host: request.authority };
  for (let i = 0; i < request.fields.length; i += 2) headers[request.fields[i]!] = request.fields[i + 1]!;
  return {
    method: request.method,
    requestedMethod: request.method,
    target: request.target,
    path: decodePath(request.target)?.path ?? '',
    encodedSlash: false,
    url: request.target,
    httpVersionMajor: 2,
    httpVersion: '2.0',
    headers,
    fields: request.fields,
    authority: request.authority,
    connection: request.connection,
    stream,
    fault: undefined,
    faultDetail: undefined,
    socket: { remoteAddress: request.connection.peerAddress },
  };
}

/** Makes the `fetch` of a route's policies. */
export function fetcher(
  route: RouteInfo,
  clock: Clock,
  forward: Forward,
  endpoints: () => number,
): (request: FetchRequest, receiver: FetchReceiver) => Fetch {
  return (request, receiver) => {
    const stream = new FetchStream(receiver);
    const exchange = new OpenExchange(rawRequest(request, stream), request.client, route, clock, { id: request.id });
    const { record } = exchange;
    stream.cutBy = () => record.error;
    const giveUp = (error: GatewayError): void => {
      exchange.abort(error);
      stream.fail(error);
    };
    const cancelTimeout = clock.after(request.timeoutMs, () => {
      if (!stream.responded)
        giveUp(new GatewayError('DEADLINE_EXCEEDED', { detail: `answer ${request.timeoutMs} ms` }));
    });
    stream.onClosed = () => {
      cancelTimeout();
      record.closed = clock.now();
      exchange.close();
    };
    forward(exchange, request).catch((thrown) => {
      record.error ??= GatewayError.from(thrown);
      stream.fail(record.error);
    });
    return {
      record,
      endpoints: endpoints(),
      drained: () => stream.receiver.onDrain(),
      cancel() {
        stream.close();
        exchange.abort(new GatewayError('CLIENT_LEFT'));
      },
    };
  };
}
