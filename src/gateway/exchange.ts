/** The exchange of a request: opened by the first hook, over when its raw reply has closed. */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { GatewayError } from '../core/errors.ts';
import type {
  AccessRecord,
  Answer,
  BodySource,
  ClientAddress,
  Dialect,
  Exchange,
  FieldEdit,
  PeekedBody,
  RequestHead,
  RouteInfo,
} from '../core/exchange.ts';
import { getField } from '../core/headers.ts';
import type { DownstreamStream, RawRequest } from '../core/raw.ts';
import { dialectOf } from '../dialects/index.ts';
import { BodyPeek } from './body-peek.ts';
import { mayBeQuiet, type PaceLimits } from './pace.ts';

/** What may stand in a request id that a trusted proxy sends: it goes into logs and headers. */
const REQUEST_ID = /^[\w.:/+=-]{1,128}$/;

/** What an exchange is told beside its request. */
export interface ExchangeSettings {
  /** How long a body that is peeked at may make no progress, in milliseconds; 0 for no limit. */
  readonly bodyIdleMs?: number;
  /** How slow such a body may be. */
  readonly bodyPace?: PaceLimits | undefined;
  /** The id, where it is known before. */
  readonly id?: string;
  /** Sends an answer that no upstream brings; absent where nobody waits for one. */
  readonly respond?: (answer: Answer, body: BodySource) => void;
}

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
  deadlineAt: number | undefined;
  idleMs = 0;
  inspectBody: ((chunk: Uint8Array, ended: boolean) => void) | undefined;
  /** Where the body is read from: the raw stream, or what was peeked of it and then the rest. */
  downstream: DownstreamStream;
  readonly #clock: Clock;
  readonly #bodyIdleMs: number;
  readonly #bodyPace: PaceLimits | undefined;
  readonly #respond: ExchangeSettings['respond'];
  aborted: GatewayError | undefined;
  #peek: BodyPeek | undefined;
  #held: Disposable[] = [];
  #over = false;
  #onAbort: ((error: GatewayError) => void)[] = [];

  constructor(raw: RawRequest, client: ClientAddress, route: RouteInfo, clock: Clock, settings: ExchangeSettings = {}) {
    this.raw = raw;
    this.downstream = raw.stream;
    this.#clock = clock;
    this.#bodyIdleMs = settings.bodyIdleMs ?? 0;
    this.#bodyPace = settings.bodyPace;
    this.#respond = settings.respond;
    this.client = client;
    this.route = route;
    this.head = headOf(raw);
    this.dialect = dialectOf(this.head);
    const given = settings.id ?? (client.trustedPeer ? getField(raw.fields, 'x-request-id') : undefined);
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
      reported: [],
      upstreamRequestId: undefined,
      answeredBy: undefined,
      cache: undefined,
    };
  }

  peek(
    maxBytes: number,
    done: (error: GatewayError | undefined, body: PeekedBody) => void,
    enough?: (bytes: Buffer) => boolean,
  ): void {
    let peek = this.#peek;
    if (peek === undefined) {
      const expects = this.head.headers.expect !== undefined;
      peek = new BodyPeek(
        this.raw.stream,
        this.#clock,
        this.#bodyIdleMs,
        expects,
        mayBeQuiet(this) ? undefined : this.#bodyPace,
      );
      this.#peek = peek;
      this.downstream = peek;
      this.onAbort((error) => peek!.giveUp(error));
    }
    const tell = (error: GatewayError | undefined, body: PeekedBody): void => {
      if (error !== undefined) this.abort(error);
      done(this.aborted, body);
    };
    peek.peek({ maxBytes, done: tell, enough });
  }

  answer(answer: Answer, body: BodySource): void {
    if (this.#over) body.stop();
    else this.#respond!(answer, body);
  }

  hold(resource: Disposable): void {
    // The client may have left while a policy waited: nobody would give it back any more.
    if (this.#over) resource[Symbol.dispose]();
    else this.#held.push(resource);
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
    this.#over = true;
    this.#onAbort = [];
    const held = this.#held;
    this.#held = [];
    for (let i = held.length - 1; i >= 0; i -= 1) held[i]![Symbol.dispose]();
  }
}
