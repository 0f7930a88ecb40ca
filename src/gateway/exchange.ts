/** The exchange of a request: opened by the first hook, over when its raw reply has closed. */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { GatewayError } from '../core/errors.ts';
import type {
  AccessRecord,
  ClientAddress,
  Dialect,
  Exchange,
  FieldEdit,
  RequestHead,
  RouteInfo,
} from '../core/exchange.ts';
import { getField } from '../core/headers.ts';
import type { RawRequest } from '../core/raw.ts';
import { dialectOf } from '../dialects/index.ts';

/** What may stand in a request id that a trusted proxy sends: it goes into logs and headers. */
const REQUEST_ID = /^[\w.:/+=-]{1,128}$/;

/** The head of a request as dialects look at it. */
export function headOf(raw: RawRequest): RequestHead {
  const type = raw.headers['content-type'];
  return {
    method: raw.requestedMethod,
    path: raw.path,
    contentType: typeof type === 'string' ? type : '',
    httpVersionMajor: raw.httpVersionMajor,
    headers: raw.headers,
  };
}

/** The exchange of the house. */
export class OpenExchange implements Exchange {
  readonly id: string;
  readonly raw: RawRequest;
  readonly client: ClientAddress;
  readonly dialect: Dialect;
  readonly head: RequestHead;
  readonly record: AccessRecord;
  route: RouteInfo;
  readonly requestEdits: FieldEdit[] = [];
  bodyLimit = 0;
  aborted: GatewayError | undefined;
  #held: Disposable[] = [];
  #onAbort: ((error: GatewayError) => void)[] = [];

  constructor(raw: RawRequest, client: ClientAddress, route: RouteInfo, clock: Clock) {
    this.raw = raw;
    this.client = client;
    this.route = route;
    this.head = headOf(raw);
    this.dialect = dialectOf(this.head);
    const given = client.trustedPeer ? getField(raw.fields, 'x-request-id') : undefined;
    this.id = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
    this.record = {
      started: clock.now(),
      wall: clock.wall(),
      firstByte: undefined,
      upstreamStarted: undefined,
      upstreamEnded: undefined,
      closed: undefined,
      status: 0,
      grpcStatus: undefined,
      bytesIn: 0,
      bytesOut: 0,
      endpoint: undefined,
      attempts: 0,
      error: undefined,
      upstreamRequestId: undefined,
      answeredBy: undefined,
    };
  }

  hold(resource: Disposable): void {
    this.#held.push(resource);
  }

  abort(error: GatewayError): void {
    if (this.aborted !== undefined) return;
    this.aborted = error;
    const callbacks = this.#onAbort;
    this.#onAbort = [];
    for (const callback of callbacks) callback(error);
  }

  onAbort(callback: (error: GatewayError) => void): void {
    if (this.aborted !== undefined) callback(this.aborted);
    else this.#onAbort.push(callback);
  }

  /** Gives everything back, last first. */
  close(): void {
    this.#onAbort = [];
    const held = this.#held;
    this.#held = [];
    for (let i = held.length - 1; i >= 0; i -= 1) held[i]![Symbol.dispose]();
  }
}
