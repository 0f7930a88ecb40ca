/** New TLS connections, one after the other, each with a full handshake. */

import { once } from 'node:events';
import tls from 'node:tls';

/** Time between two, in milliseconds. */
const EACH_MS = 50;
const TIMEOUT_MS = 5000;

/** What became of the handshakes. */
export class Handshakes implements Disposable {
  made = 0;
  readonly failures: string[] = [];
  /** Serial numbers of the certificates that were seen. */
  readonly serials = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  readonly #open = new Set<Promise<void>>();

  constructor(port: number, ca: string) {
    this.#timer = setInterval(() => {
      const open = this.#connect(port, ca);
      this.#open.add(open);
      void open.then(() => this.#open.delete(open));
    }, EACH_MS);
  }

  async #connect(port: number, ca: string): Promise<void> {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ALPNProtocols: ['h2'] });
    socket.on('error', () => {});
    try {
      await once(socket, 'secureConnect', { signal: AbortSignal.timeout(TIMEOUT_MS) });
      this.made += 1;
      this.serials.add(socket.getPeerCertificate().serialNumber);
    } catch (error) {
      this.failures.push((error as Error).message);
    } finally {
      socket.destroy();
    }
  }

  /** Makes no more, and resolves when all are over. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
