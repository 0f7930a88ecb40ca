/** An HTTP/1.1 request of Node's client and its response as an upstream stream. */

import type { ClientRequest, IncomingMessage } from 'node:http';
import { GatewayError } from '../core/errors.ts';
import { fieldPairs, lowerCaseNames } from '../core/headers.ts';
import { type Fields, NOBODY, type Receiver, ResetCode, type UpstreamStream } from '../core/raw.ts';

/** One HTTP/1.1 exchange. HTTP/1.1 has no reset: here every reset closes the connection. */
export class H1UpstreamStream implements UpstreamStream {
  receiver: Receiver;
  readonly session: number;
  readonly #client: ClientRequest;
  #response: IncomingMessage | undefined;
  #peerDone = false;
  #localDone = false;
  #resetHere = false;
  #closed = false;
  #cause: Error | undefined;
  #wanted = false;

  constructor(client: ClientRequest, session: number, receiver: Receiver) {
    this.#client = client;
    this.session = session;
    this.receiver = receiver;
    client.on('information', (info: { statusCode: number; rawHeaders: string[] }) => {
      if (!this.#resetHere) this.receiver.onInterim?.(info.statusCode, lowerCaseNames(info.rawHeaders));
    });
    client.on('response', (response) => this.#onResponse(response));
    client.on('upgrade', (_response, socket) => {
      this.#cause = new GatewayError('UPSTREAM_PROTOCOL', { detail: 'the upstream switched protocols unasked' });
      socket.destroy();
    });
    client.on('drain', () => this.receiver.onDrain());
    client.on('error', (error) => {
      this.#cause ??= error;
    });
    client.on('close', () => this.#onClose());
  }

  #onResponse(response: IncomingMessage): void {
    this.#response = response;
    response.on('error', (error) => {
      this.#cause ??= error;
    });
    if (this.#resetHere) return;
    const status = response.statusCode ?? 0;
    const fields = [':status', String(status), ...lowerCaseNames(response.rawHeaders)];
    const bodyless =
      this.#client.method === 'HEAD' || status === 204 || status === 304 || response.headers['content-length'] === '0';
    if (bodyless) {
      this.#peerDone = true;
      this.receiver.onHead?.(fields, true);
      response.resume();
      return;
    }
    response.pause();
    response.on('data', (chunk: Buffer) => {
      if (!this.#resetHere) this.receiver.onData(chunk);
    });
    response.on('end', () => {
      if (this.#resetHere || !response.complete) return;
      // A body that ends with its connection: Node 26.10 takes a TCP reset for its end, too.
      if (this.#client.socket?.errored) return;
      this.#peerDone = true;
      const { rawTrailers } = response;
      this.receiver.onEnd(rawTrailers.length > 0 ? lowerCaseNames(rawTrailers) : undefined);
    });
    this.receiver.onHead?.(fields, false);
    if (this.#wanted) response.resume();
  }

  write(chunk: Uint8Array): boolean {
    return this.#client.destroyed ? true : this.#client.write(chunk);
  }

  end(trailers?: Fields): void {
    this.#localDone = true;
    if (this.#client.destroyed) return;
    if (trailers !== undefined) {
      try {
        this.#client.addTrailers(fieldPairs(trailers));
      } catch (error) {
        // What HTTP/2 lets through and HTTP/1.1 does not: an upload without its trailers is not complete.
        this.#cause = error as Error;
        this.#localDone = false;
        this.#client.destroy();
        return;
      }
    }
    this.#client.end();
  }

  reset(_code: number): void {
    if (this.#resetHere || this.#closed) return;
    this.#resetHere = true;
    this.#client.destroy();
  }

  pause(): void {
    this.#wanted = false;
    this.#response?.pause();
  }

  resume(): void {
    this.#wanted = true;
    this.#response?.resume();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { receiver } = this;
    if (!this.#resetHere && (!this.#peerDone || !this.#localDone)) {
      receiver.onReset({
        code: ResetCode.CANCEL,
        unprocessed: false,
        by: 'connection',
        ...(this.#cause && { cause: this.#cause }),
      });
    }
    this.receiver = NOBODY;
    receiver.onClose();
  }
}
