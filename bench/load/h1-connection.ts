/** A client's side of HTTP/1.1 that does no more than a load needs: one request after the other. RFC 9112. */

import type { Socket } from 'node:net';
import type { Call } from './call.ts';
import type { Connection, Listener } from './connection.ts';
import type { Target } from './plan.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

/** What comes next: the head, so many bytes of a body, the size of a chunk, trailers, or a body up to the end. */
type State = 'head' | 'body' | 'chunk-size' | 'chunk-end' | 'trailers' | 'to-the-end';

/** One HTTP/1.1 connection, open already. */
export class H1Connection implements Connection {
  over = false;
  readonly #socket: Socket;
  readonly #authority: string;
  readonly #listener: Listener;
  #call: Call | undefined;
  #state: State = 'head';
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #chunked = false;
  #closes = false;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, target: Target, listener: Listener) {
    this.#socket = socket;
    this.#authority = target.authority;
    this.#listener = listener;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(`connection: ${error.code ?? error.message}`));
    socket.on('end', () => {
      if (this.#state === 'to-the-end') this.#answered();
    });
    socket.on('close', () => this.#end('connection: closed'));
  }

  get inFlight(): number {
    return this.#call === undefined ? 0 : 1;
  }

  get room(): number {
    return this.over || this.#call !== undefined ? 0 : 1;
  }

  send(call: Call): void {
    const { method, fields, body } = call.request;
    let head = `${method} ${call.path} HTTP/1.1\r\nhost: ${this.#authority}\r\n`;
    for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
    this.#call = call;
    this.#state = 'head';
    call.sentAt = performance.now();
    const text = Buffer.from(`${head}\r\n`, 'latin1');
    this.#socket.write(body === undefined || body.length === 0 ? text : Buffer.concat([text, body]));
  }

  expire(before: number): void {
    if (this.#call !== undefined && this.#call.sentAt < before) this.#end('timeout');
  }

  close(): void {
    this.over = true;
    this.#socket.end();
    this.#socket.destroySoon();
  }

  #take(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#call !== undefined) {
      const used = this.#step(bytes, this.#call);
      if (used < 0) break;
      bytes = bytes.subarray(used);
    }
    this.#rest = bytes;
    if (this.#call === undefined && bytes.length > 0) this.#end('protocol: bytes that belong to no answer');
  }

  /** Does the next thing; gives how many bytes it took, -1 where more must come first. */
  #step(bytes: Buffer, call: Call): number {
    switch (this.#state) {
      case 'head': {
        const end = bytes.indexOf(HEAD_END);
        if (end === -1) return -1;
        this.#head(bytes.toString('latin1', 0, end), call);
        return end + HEAD_END.length;
      }
      case 'chunk-size': {
        const end = bytes.indexOf(LINE_END);
        if (end === -1) return -1;
        this.#left = Number.parseInt(bytes.toString('latin1', 0, end), 16);
        this.#state = this.#left === 0 ? 'trailers' : 'body';
        return end + LINE_END.length;
      }
      case 'chunk-end':
        if (bytes.length < LINE_END.length) return -1;
        this.#state = 'chunk-size';
        return LINE_END.length;
      case 'trailers': {
        const end = bytes.indexOf(LINE_END);
        if (end === -1) return -1;
        if (end === 0) this.#answered();
        else call.head(fieldOf(bytes.toString('latin1', 0, end)));
        return end + LINE_END.length;
      }
      case 'to-the-end':
        if (bytes.length === 0) return -1;
        call.data(bytes);
        return bytes.length;
      case 'body': {
        const size = Math.min(this.#left, bytes.length);
        if (size === 0) return -1;
        call.data(bytes.subarray(0, size));
        this.#left -= size;
        if (this.#left > 0) return size;
        if (this.#chunked) this.#state = 'chunk-end';
        else this.#answered();
        return size;
      }
    }
  }

  #head(text: string, call: Call): void {
    const [first, ...lines] = text.split('\r\n');
    const status = Number(first!.slice(9, 12));
    // 100 and 103 come before the answer.
    if (status < 200) return;
    call.status = status;
    let length: number | undefined;
    this.#chunked = false;
    this.#closes = false;
    for (const line of lines) {
      const field = fieldOf(line);
      const [name, value] = field;
      if (name === 'content-length') length = Number(value);
      else if (name === 'transfer-encoding') this.#chunked = /chunked/i.test(value);
      else if (name === 'connection') this.#closes = /close/i.test(value);
      call.head(field);
    }
    if (call.request.method === 'HEAD' || status === 204 || status === 304) this.#answered();
    else if (this.#chunked) this.#state = 'chunk-size';
    else if (length === undefined) this.#state = 'to-the-end';
    else if (length === 0) this.#answered();
    else {
      this.#left = length;
      this.#state = 'body';
    }
  }

  #answered(): void {
    const call = this.#call!;
    this.#call = undefined;
    this.#state = 'head';
    if (this.#closes) this.close();
    this.#listener.answered(call);
    if (this.over) this.#listener.changed();
  }

  #end(why: string): void {
    const [call, first] = [this.#call, !this.over];
    this.over = true;
    this.#call = undefined;
    this.#socket.destroy();
    if (call !== undefined) this.#listener.failed(call, why, false);
    if (first || call !== undefined) this.#listener.changed();
  }
}

function fieldOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
