/** A socket that is bound and accepts; who takes its connections may change while it does. */

import net, { type AddressInfo, type Socket } from 'node:net';
import { bindProblem } from './bind-problem.ts';

/** Takes what a socket accepts. */
export interface Taker {
  /** The name of its listener, for messages. */
  readonly name: string;
  accept(socket: Socket): void;
  /** A connection could not be accepted; `code` in words of the system. */
  acceptFailed(code: string): void;
}

/** One bound socket, from before it listens until it is closed. */
export class BoundSocket {
  taker: Taker;
  readonly #server: net.Server;

  /** `paused`: nothing is read of what is accepted. */
  constructor(taker: Taker, { paused }: { readonly paused: boolean }) {
    this.taker = taker;
    const settings = { noDelay: true, keepAlive: true, allowHalfOpen: false, pauseOnConnect: paused };
    this.#server = net.createServer(settings, (socket) => this.taker.accept(socket));
  }

  /** Where it is bound; undefined before and after. */
  get address(): AddressInfo | undefined {
    return this.#server.listening ? (this.#server.address() as AddressInfo) : undefined;
  }

  /** Binds; rejects with a message that names the listener where the address is taken or not ours. */
  async listen(host: string, port: number): Promise<AddressInfo> {
    try {
      return await this.#bind(host, port);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // `[::]` is the default: it must not keep a machine without IPv6 from starting.
      if (host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) return this.#bind('0.0.0.0', port);
      const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      throw new Error(`listener ${this.taker.name}: ${address}: ${bindProblem(code)}`, { cause: error });
    }
  }

  /** Accepts no more; connections live on. */
  close(): void {
    if (this.#server.listening) this.#server.close();
  }

  #bind(host: string, port: number): Promise<AddressInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
    this.#server.once('error', reject);
    this.#server.listen({ host, port, ipv6Only: false }, () => {
      this.#server.off('error', reject);
      this.#server.on('error', (error: NodeJS.ErrnoException) => this.taker.acceptFailed(error.code ?? error.message));
      resolve(this.#server.address() as AddressInfo);
    });
    return promise;
  }
}
