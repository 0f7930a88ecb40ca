/** An HTTP/1.1 request and its response, Node's own, as raw request and downstream stream. */

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { fieldPairs, getField, lowerCaseNames, setField } from '../core/headers.ts';
import {
  type Connection,
  type DownstreamStream,
  type Fields,
  NOBODY,
  type RawRequest,
  type Receiver,
  ResetCode,
} from '../core/raw.ts';
import { type Fault, routingForm, type TransportLimits } from './faults.ts';
import { headFields } from './head-fields.ts';

/** How much of an unwanted request body is read so that its sender gets to see the answer. */
const LINGER_BYTES = 256 * 1024;
/** And for how long, in milliseconds. */
const LINGER_MS = 5000;
/** How long the head of an answer that is cut may take to get out, in milliseconds. */
const CUT_MS = 1000;

/** The server's side of an HTTP/1.1 exchange. */
export class H1DownstreamStream implements DownstreamStream {
  receiver: Receiver = NOBODY;
  readonly ended: boolean;
  onClosed: (() => void) | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #acceptsTrailers: boolean;
  readonly #draining: () => boolean;
  #listening = false;
  #peerDone: boolean;
  #localDone = false;
  #wrote = false;
  #resetHere = false;
  #closed = false;
  /** Where the next request would begin is not certain: the connection ends with this answer. */
  lastOfConnection = false;

  constructor(request: IncomingMessage, response: ServerResponse, draining: () => boolean) {
    this.#request = request;
    this.#response = response;
    this.#draining = draining;
    const { headers } = request;
    this.ended = headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0';
    this.#peerDone = this.ended;
    this.#acceptsTrailers = request.httpVersion === '1.1' && /(?:^|[\s,])trailers\b/i.test(String(headers.te ?? ''));
    response.on('drain', () => this.receiver.onDrain());
    request.on('error', () => {}); // ECONNRESET of a client that left; `close` tells
    response.on('error', () => {});
    response.on('close', () => this.#onClose());
  }

  get responded(): boolean {
    return this.#response.headersSent;
  }

  inform(status: number): void {
    // A client of HTTP/1.1 may not know other interim answers than the one it asked for, RFC 9110 section 15.2.
    if (status === 100 && !this.#response.headersSent) this.#response.writeContinue();
  }

  respond(status: number, fields: Fields, ended: boolean): void {
    const response = this.#response;
    if (response.destroyed || response.headersSent) return;
    const head = [...fields];
    const bodyless = status === 204 || status === 304 || this.#request.method === 'HEAD';
    const length = getField(head, 'content-length');
    // Only a chunked body has trailers; Node 26.10 throws ERR_HTTP_TRAILER_INVALID where Trailer stands on another one.
    if (ended || bodyless || length !== undefined || !this.#acceptsTrailers) setField(head, 'trailer', undefined);
    if (ended && !bodyless && length === undefined) head.push('content-length', '0');
    if (this.lastOfConnection || this.#draining()) head.push('connection', 'close');
    response.writeHead(status, head);
    if (ended) this.#finish();
    // Node holds the head back for the body's first piece, and that may be hours away (server-sent events).
    else setImmediate(() => !this.#wrote && !this.#closed && response.flushHeaders());
  }

  respondWhole(status: number, fields: Fields, body: readonly Uint8Array[]): void {
    if (this.#response.destroyed || this.#response.headersSent) return;
    this.#wrote = true; // the head goes with the body
    this.respond(status, fields, false);
    for (const piece of body) this.#response.write(piece);
    this.#finish();
  }

  write(chunk: Uint8Array): boolean {
    if (this.#response.destroyed || this.#resetHere) return true;
    this.#wrote = true;
    return this.#response.write(chunk);
  }

  end(trailers?: Fields): void {
    if (this.#resetHere) return;
    if (trailers !== undefined && this.#acceptsTrailers) this.#response.addTrailers(fieldPairs(trailers));
    this.#finish();
  }

  #finish(): void {
    this.#wrote = true;
    this.#localDone = true;
    if (!this.#peerDone) this.#linger();
    this.#response.end();
  }

  /** The answer is complete and the request is not: reads a little of the rest, else the answer may be lost to a TCP reset. */
  #linger(): void {
    const { socket } = this.#request;
    let bytes = 0;
    this.#peerDone = true;
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    this.#request.removeAllListeners('data');
    this.#request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > LINGER_BYTES) socket.destroy();
    });
    this.#request.once('end', () => clearTimeout(timer));
    this.#request.once('close', () => clearTimeout(timer));
    this.#request.resume();
  }

  reset(_code: number): void {
    if (this.#resetHere || this.#closed) return;
    this.#resetHere = true;
    const { socket } = this.#request;
    const cut = (): void => {
      // A body that ends with the connection would look complete after a FIN; only a TCP reset says that it is not.
      if (socket.constructor === Socket) socket.resetAndDestroy();
      else socket.destroy();
    };
    if (!this.responded || socket.destroyed) {
      cut();
      return;
    }
    // Browsers send a request again, a POST too, where a connection that was used before ends without a byte of an answer.
    if (!this.#wrote) this.#response.flushHeaders();
    this.#wrote = true;
    this.#request.pause();
    const timer = setTimeout(cut, CUT_MS).unref();
    socket.write('', () => {
      clearTimeout(timer);
      cut();
    });
  }

  pause(): void {
    if (this.#listening) this.#request.pause();
  }

  resume(): void {
    if (this.#peerDone) return;
    if (!this.#listening) {
      this.#listening = true;
      this.#request.on('data', (chunk: Buffer) => this.receiver.onData(chunk));
      this.#request.on('end', () => {
        if (this.#peerDone || !this.#request.complete) return;
        this.#peerDone = true;
        const { rawTrailers } = this.#request;
        this.receiver.onEnd(rawTrailers.length > 0 ? lowerCaseNames(rawTrailers) : undefined);
      });
    }
    this.#request.resume();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { receiver } = this;
    if (!this.#resetHere && (!this.#peerDone || !this.#localDone || !this.#response.writableFinished)) {
      receiver.onReset({ code: ResetCode.CANCEL, unprocessed: false, by: 'connection' });
    }
    this.receiver = NOBODY;
    receiver.onClose();
    this.onClosed?.();
  }
}

/** An absolute-form target, RFC 9112 section 3.2.2: its authority, and what is sent on. */
function absoluteForm(target: string): { authority: string; target: string } | undefined {
  const match = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target);
  if (match === null) return undefined;
  const rest = match[2]!;
  return { authority: match[1]!, target: rest.startsWith('/') ? rest : `/${rest}` };
}

/** What Node's parser takes and RFC 9112 does not: sections 2.3 and 6.1. */
function framingFault({ httpVersion, headers }: IncomingMessage): Fault | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return { code: 'BAD_HEADER', detail: `HTTP/${httpVersion}` };
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  // Another coding would be taken off by nobody, and HTTP/1.0 knows none: some proxy on the way may read it otherwise.
  return httpVersion === '1.1' && coding.toLowerCase() === 'chunked'
    ? undefined
    : { code: 'BAD_HEADER', detail: 'transfer-encoding' };
}

/** An HTTP/1.1 request as Fastify and the house read it. */
export class H1Request implements RawRequest {
  readonly method: string;
  readonly requestedMethod: string;
  readonly target: string;
  readonly path: string;
  readonly encodedSlash: boolean;
  readonly url: string;
  readonly httpVersionMajor = 1;
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
  readonly fields: Fields;
  readonly authority: string;
  readonly connection: Connection;
  readonly stream: H1DownstreamStream;
  readonly fault: RawRequest['fault'];
  readonly faultDetail: string | undefined;
  readonly socket: { readonly remoteAddress: string };
  /** Bytes of the header with its target, as HPACK counts fields. */
  readonly headerBytes: number;

  constructor(
    request: IncomingMessage,
    stream: H1DownstreamStream,
    connection: Connection,
    limits: TransportLimits,
    fault?: Fault,
  ) {
    this.stream = stream;
    this.connection = connection;
    this.socket = { remoteAddress: connection.peerAddress };
    this.requestedMethod = request.method ?? '';
    this.httpVersion = request.httpVersion;
    this.headers = request.headers;
    const head = headFields(request.rawHeaders, false);
    this.fields = head.fields;
    const authority = head.host ?? '';
    const url = request.url ?? '';
    const absolute = url.charCodeAt(0) === 0x2f ? undefined : absoluteForm(url);
    const contradicts = absolute !== undefined && absolute.authority.toLowerCase() !== authority.toLowerCase();
    this.target = absolute?.target ?? url;
    this.authority = authority;
    this.headers.host = authority;
    const framing = framingFault(request);
    if (framing !== undefined) stream.lastOfConnection = true;
    const form = routingForm({
      method: this.requestedMethod,
      target: this.target,
      authority,
      // Several Host fields are refused even where they are equal: RFC 9112 section 3.2.
      authorities: contradicts ? 2 : head.hosts,
      head,
      limits,
      fault: fault ?? framing,
    });
    this.method = form.method;
    this.path = form.path;
    this.encodedSlash = form.encodedSlash;
    this.url = form.url;
    this.headerBytes = head.bytes + this.target.length;
    this.fault = form.fault?.code;
    this.faultDetail = form.fault?.detail;
  }
}
