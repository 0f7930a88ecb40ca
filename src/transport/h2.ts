/** An HTTP/2 request of a client as raw request and downstream stream, without Node's compat layer. */

import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Connection, DownstreamStream, Fields, RawRequest } from '../core/raw.ts';
import { NodeHttp2Stream } from '../streams/http2.ts';
import { RAPID_MS } from './budgets.ts';
import { routingForm, type TransportLimits } from './faults.ts';
import { headFields } from './head-fields.ts';

/** The server's side of an HTTP/2 stream. */
export class H2DownstreamStream extends NodeHttp2Stream implements DownstreamStream {
  declare protected readonly stream: ServerHttp2Stream;
  readonly ended: boolean;
  onClosed: (() => void) | undefined;
  /** Called after `onClosed`; the engine's. */
  onGone: (() => void) | undefined;
  readonly #opened = performance.now();
  #resetHere = false;

  constructor(stream: ServerHttp2Stream, contentLength: string | undefined) {
    super(stream, !stream.endAfterHeaders);
    this.ended = stream.endAfterHeaders;
    if (this.ended) this.peerDone = true;
    else if (contentLength !== undefined) this.expected = Number(contentLength);
  }

  override reset(code: number): void {
    if (!this.stream.closed) this.#resetHere = true;
    super.reset(code);
  }

  /** Closed soon after it was opened, without an answer, and not by us: the work for it was for nothing. */
  get rapidlyReset(): boolean {
    return !this.#resetHere && !this.responded && performance.now() - this.#opened < RAPID_MS;
  }

  get responded(): boolean {
    return this.stream.headersSent;
  }

  inform(status: number, fields: Fields): void {
    if (this.stream.destroyed || this.stream.closed || this.stream.headersSent) return;
    const headers: Record<string, number | string | string[]> = { ':status': status };
    const links: string[] = [];
    for (let i = 0; i < fields.length; i += 2) {
      // A 103 may have several.
      if (fields[i] === 'link') links.push(fields[i + 1]!);
      else headers[fields[i]!] = fields[i + 1]!;
    }
    if (links.length > 0) headers.link = links;
    this.stream.additionalHeaders(headers);
  }

  respond(status: number, fields: Fields, ended: boolean): void {
    if (this.stream.destroyed || this.stream.closed) return;
    // The typings do not know the flat form yet (nodejs/node#59455).
    const head = [':status', String(status), ...fields] as unknown as Record<string, string>;
    if (!ended) {
      this.speaksInPieces();
      this.stream.respond(head, { waitForTrailers: true });
      return;
    }
    this.stream.respond(head, { endStream: true });
    this.markLocalDone();
    this.#stopUpload();
  }

  respondWhole(status: number, fields: Fields, body: readonly Uint8Array[]): void {
    if (this.stream.destroyed || this.stream.closed) return;
    const { stream } = this;
    stream.respond([':status', String(status), ...fields] as unknown as Record<string, string>);
    this.markLocalDone();
    const last = body.length - 1;
    // One write of all pieces, so that END_STREAM goes with the last byte: where it waits for window by itself, Node
    // resets the stream of a request that nobody has read, and a whole answer counts as cut.
    if (last > 0) stream.cork();
    for (let i = 0; i < last; i += 1) stream.write(body[i]!);
    stream.end(body[last]);
    this.#stopUpload();
  }

  protected override endGiven(): void {
    this.#stopUpload();
  }

  /**
   * The answer is complete; if the request is not, nobody wants the rest of it: RFC 9113 section 8.1. Not at once: a
   * RST_STREAM overtakes what waits for its turn, and an answer without its END_STREAM is a cut one.
   */
  #stopUpload(): void {
    if (this.peerDone) return;
    let turns = 0;
    const look = (): void => {
      if (this.peerDone || this.stream.destroyed) return;
      turns += 1;
      // Closed on both sides by now, what came of the request and nobody reads would keep the stream for ever.
      if (this.stream.closed || this.stream.state.localClose === 1) this.reset(0);
      else if (turns < 10) setImmediate(look);
      else setTimeout(look, 100).unref(); // the connection takes nothing
    };
    setImmediate(look);
  }

  protected override closed(): void {
    this.onClosed?.();
    this.onGone?.();
  }
}

/** RFC 9110 section 10.1.1 knows one expectation. */
function unknownExpectation(expect: string | undefined): boolean {
  return expect !== undefined && expect.toLowerCase() !== '100-continue';
}

/** An HTTP/2 request as Fastify and the house read it. */
export class H2Request implements RawRequest {
  readonly method: string;
  readonly requestedMethod: string;
  readonly target: string;
  readonly path: string;
  readonly encodedSlash: boolean;
  readonly url: string;
  readonly httpVersionMajor = 2;
  readonly httpVersion = '2.0';
  readonly headers: IncomingHttpHeaders;
  readonly fields: Fields;
  readonly authority: string;
  readonly connection: Connection;
  readonly stream: DownstreamStream;
  readonly fault: RawRequest['fault'];
  readonly faultDetail: string | undefined;
  readonly socket: { readonly remoteAddress: string };
  /** Bytes of the header with its target, as HPACK counts fields. */
  readonly headerBytes: number;

  /** `headers`: by name, pseudo-headers too. `flat`: the same as they came. */
  constructor(
    stream: DownstreamStream,
    headers: IncomingHttpHeaders,
    flat: readonly string[],
    connection: Connection,
    limits: TransportLimits,
  ) {
    this.connection = connection;
    this.socket = { remoteAddress: connection.peerAddress };
    this.stream = stream;
    const head = headFields(flat, true);
    const { host, hosts } = head;
    this.fields = head.fields;
    const authority = headers[':authority'] ?? host ?? '';
    this.authority = authority;
    this.target = headers[':path'] ?? '';
    this.requestedMethod = headers[':method'] ?? '';
    headers.host = authority;
    this.headers = headers;
    const form = routingForm({
      method: this.requestedMethod,
      target: this.target,
      authority,
      // `:authority` and Host may both be there, and then must agree: RFC 9113 section 8.3.1.
      authorities: hosts > 1 || (hosts === 1 && host!.toLowerCase() !== authority.toLowerCase()) ? 2 : 1,
      head,
      limits,
      fault: unknownExpectation(headers.expect) ? { code: 'EXPECTATION_FAILED' } : undefined,
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
