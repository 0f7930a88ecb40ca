/** A load balancer in front of gateways: it passes on connections, and asks `/ready` who may have new ones. */

import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import type { GatewayProcess } from './gateway-process.ts';

/** How often it asks, in milliseconds. */
const ASK_MS = 200;
const LISTENERS = ['public', 'clear'] as const;

/** A running one; gateways may be put in the place of others. */
export class Balancer implements AsyncDisposable {
  readonly gateways: GatewayProcess[];
  readonly #servers = new Map<string, net.Server>();
  readonly #sockets = new Set<net.Socket>();
  readonly #timer: NodeJS.Timeout;
  #ready: readonly GatewayProcess[];
  #turns = 0;

  private constructor(gateways: readonly GatewayProcess[]) {
    this.gateways = [...gateways];
    this.#ready = gateways;
    this.#timer = setInterval(() => void this.#ask(), ASK_MS);
  }

  static async start(gateways: readonly GatewayProcess[]): Promise<Balancer> {
    const balancer = new Balancer(gateways);
    for (const name of LISTENERS) {
      const server = net.createServer((client) => balancer.#pass(client, name)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      balancer.#servers.set(name, server);
    }
    return balancer;
  }

  get ports(): GatewayProcess['ports'] {
    const portOf = (name: string): number => (this.#servers.get(name)!.address() as AddressInfo).port;
    return { public: portOf('public'), clear: portOf('clear'), admin: 0 };
  }

  /** Puts another gateway in the place of one that has ended; resolves when it gets connections. */
  async replace(old: GatewayProcess, gateway: GatewayProcess): Promise<void> {
    this.gateways[this.gateways.indexOf(old)] = gateway;
    await this.#ask();
  }

  async #ask(): Promise<void> {
    const answers = await Promise.all(this.gateways.map((gateway) => gateway.ready()));
    this.#ready = this.gateways.filter((_, index) => answers[index]);
  }

  #pass(client: net.Socket, listener: (typeof LISTENERS)[number]): void {
    this.#turns += 1;
    const gateway = this.#ready[this.#turns % Math.max(1, this.#ready.length)];
    if (gateway === undefined) return void client.resetAndDestroy();
    const server = net.connect({ port: gateway.ports[listener], host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        // What is written yet goes out before.
        to.destroySoon();
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const server of this.#servers.values()) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
