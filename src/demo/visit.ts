import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { cookiesNamed } from '../core/cookies.ts';
import { HeaderLines } from './header-lines.ts';
import type { Connection } from './listener.ts';

/** The two protocols a visit may come by. */
export type Protocol = 'http/1.1' | 'h2';

/** Deals with a visit. */
export type VisitHandler = (visit: Visit) => void | Promise<void>;

/** One request and the answer to it, over either protocol. */
export class Visit {
  readonly request: IncomingMessage;
  readonly reply: ServerResponse;
  readonly connection: Connection;
  /** The HTTP/2 stream, or undefined over HTTP/1.1. */
  readonly stream: ServerHttp2Stream | undefined;
  readonly protocol: Protocol;
  readonly method: string;
  /** The request target as it came. */
  readonly target: string;
  /** The path, decoded once as Go's net/url does: what ZITADEL routes on. */
  readonly path: string;
  /** Whether the percent-encoding of the path is broken. */
  readonly malformed: boolean;
  #query: URLSearchParams | undefined;
  #lines: HeaderLines | undefined;
  #body: Promise<Buffer> | undefined;

  constructor(request: IncomingMessage, reply: ServerResponse, connection: Connection) {
    this.request = request;
    this.reply = reply;
    this.connection = connection;
    this.stream = (request as { stream?: ServerHttp2Stream }).stream;
    this.protocol = this.stream ? 'h2' : 'http/1.1';
    this.method = request.method ?? 'GET';
    this.target = request.url ?? '/';
    const path = decoded(this.target.split('?', 1)[0] ?? '/');
    this.path = path ?? '/';
    this.malformed = path === undefined;
  }

  get headers(): IncomingHttpHeaders {
    return this.request.headers;
  }

  /** The request headers as Go sees them. */
  get lines(): HeaderLines {
    this.#lines ??= HeaderLines.from(this.request.rawHeaders, this.protocol);
    return this.#lines;
  }

  /** The host asked for: `:authority`, or the Host of HTTP/1.1 (what Go calls `r.Host`). */
  get authority(): string {
    return this.header(':authority') || this.header('host');
  }

  get query(): URLSearchParams {
    const at = this.target.indexOf('?');
    this.#query ??= new URLSearchParams(at < 0 ? '' : this.target.slice(at + 1));
    return this.#query;
  }

  /** A request header as one string, empty when absent. */
  header(name: string): string {
    const value = this.headers[name];
    return Array.isArray(value) ? (value[0] ?? '') : (value ?? '');
  }

  /** Whether nobody can be answered any more. (The reply of node:http2 does not say it.) */
  get gone(): boolean {
    return this.stream ? this.stream.destroyed || this.stream.closed : this.reply.destroyed;
  }

  /** The media type without parameters. */
  get contentType(): string {
    return this.header('content-type').split(';', 1)[0]!.trim().toLowerCase();
  }

  /** The bearer token, or an empty string. */
  get bearer(): string {
    return /^Bearer (.+)$/i.exec(this.header('authorization'))?.[1] ?? '';
  }

  /** The whole request body. Rejects when the request is cut. */
  body(): Promise<Buffer> {
    this.#body ??= readAll(this.request);
    return this.#body;
  }

  /** The body as a form. */
  async form(): Promise<URLSearchParams> {
    return new URLSearchParams((await this.body()).toString());
  }

  cookie(name: string): string {
    return cookiesNamed(['cookie', this.header('cookie')], name)[0] ?? '';
  }

  /** Answers with a whole body. HEAD gets the head of it. */
  send(status: number, headers: OutgoingHttpHeaders = {}, body: string | Uint8Array = ''): void {
    const { reply } = this;
    if (reply.headersSent || this.gone) return;
    const bodiless = status === 204 || status === 304;
    const length = bodiless ? {} : { 'content-length': Buffer.byteLength(body) };
    reply.writeHead(status, { ...length, ...headers });
    if (bodiless || this.method === 'HEAD' || body.length === 0) reply.end();
    else reply.end(body);
    // An answer that is ready before the body was read: let the rest run off, so that the connection stays usable.
    this.request.resume();
  }

  json(status: number, value: unknown, headers: OutgoingHttpHeaders = {}): void {
    this.send(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
  }

  /** Answers as Go's `http.Error` does: plain text with a line end, not to be sniffed. */
  error(status: number, message: string, headers: OutgoingHttpHeaders = {}): void {
    const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
    this.send(status, { ...plain, ...headers }, `${message}\n`);
  }

  html(status: number, page: string, headers: OutgoingHttpHeaders = {}): void {
    this.send(status, { 'content-type': 'text/html; charset=utf-8', ...headers }, page);
  }

  redirect(location: string, headers: OutgoingHttpHeaders = {}, status = 302): void {
    this.send(status, { location, ...headers });
  }

  /** Ends the visit without an end: RST_STREAM with the code, or the HTTP/1.1 connection closed. */
  reset(code = 2): void {
    if (this.stream) this.stream.close(code);
    else this.request.socket.destroy();
  }
}

function decoded(path: string): string | undefined {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    // Go decodes bytes, not UTF-8: only a broken escape is an error there.
    return /%(?![0-9a-f]{2})/i.test(path)
      ? undefined
      : path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
