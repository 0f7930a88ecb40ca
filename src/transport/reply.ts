/** The reply that Fastify writes gateway-made answers to, over any downstream stream. */

import { EventEmitter } from 'node:events';
import { type DownstreamStream, type Fields, NOBODY, type RawReply, type Receiver, ResetCode } from '../core/raw.ts';

type FieldValue = string | number | readonly string[];

/** Just enough of a ServerResponse for Fastify, `pipe` and `end-of-stream`, and nothing of Node underneath. */
export class StreamReply extends EventEmitter implements RawReply {
  statusCode = 200;
  writableEnded = false;
  writableFinished = false;
  destroyed = false;
  writable = true;
  readonly stream: DownstreamStream;
  readonly #head: boolean;
  readonly #headers = new Map<string, FieldValue>();
  #headersSent = false;

  constructor(stream: DownstreamStream, method: string) {
    super();
    this.stream = stream;
    this.#head = method === 'HEAD';
    stream.onClosed = () => {
      this.writable = false;
      this.destroyed = true;
      this.emit('close');
    };
  }

  get headersSent(): boolean {
    return this.#headersSent || this.stream.responded;
  }

  setHeader(name: string, value: FieldValue): this {
    this.#headers.set(name.toLowerCase(), value);
    return this;
  }

  getHeader(name: string): FieldValue | undefined {
    return this.#headers.get(name.toLowerCase());
  }

  getHeaders(): Record<string, FieldValue> {
    return Object.fromEntries(this.#headers);
  }

  hasHeader(name: string): boolean {
    return this.#headers.has(name.toLowerCase());
  }

  removeHeader(name: string): void {
    this.#headers.delete(name.toLowerCase());
  }

  writeHead(status: number, headers: Record<string, unknown> = {}): this {
    this.statusCode = status;
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.setHeader(name, value as FieldValue);
    }
    return this;
  }

  write(chunk: string | Uint8Array): boolean {
    if (this.destroyed) return true;
    this.#sendHead(false);
    return this.#head ? true : this.stream.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  }

  end(chunk?: string | Uint8Array | null): this {
    if (this.writableEnded || this.destroyed) return this;
    this.writableEnded = true;
    const body = chunk === undefined || chunk === null || chunk.length === 0 || this.#head ? undefined : chunk;
    if (!this.headersSent) this.#sendHead(body === undefined);
    if (body !== undefined) this.stream.write(typeof body === 'string' ? Buffer.from(body) : body);
    if (body !== undefined || !this.#endedWithHead) this.stream.end();
    this.writableFinished = true;
    queueMicrotask(() => this.emit('finish'));
    return this;
  }

  destroy(_error?: Error): this {
    if (!this.destroyed) this.stream.reset(ResetCode.INTERNAL_ERROR);
    return this;
  }

  #endedWithHead = false;

  #sendHead(ended: boolean): void {
    if (this.headersSent) return;
    this.#headersSent = true;
    this.#endedWithHead = ended;
    const fields: Fields = [];
    for (const [name, value] of this.#headers) {
      // Fastify adds `content-length: 0` to answers without a body; on a trailers-only answer it has no place.
      if (name === 'content-length' && this.#headers.has('grpc-status')) continue;
      if (Array.isArray(value)) for (const item of value) fields.push(name, String(item));
      else fields.push(name, String(value));
    }
    this.stream.receiver = new ReplyReceiver(this);
    this.stream.respond(this.statusCode, fields, ended);
  }
}

/** What the reply wants to know of its stream: when to go on writing. */
class ReplyReceiver implements Receiver {
  readonly onData = NOBODY.onData;
  readonly onEnd = NOBODY.onEnd;
  readonly onClose = NOBODY.onClose;
  readonly onReset = NOBODY.onReset;
  readonly #reply: StreamReply;
  constructor(reply: StreamReply) {
    this.#reply = reply;
  }
  onDrain(): void {
    this.#reply.emit('drain');
  }
}
