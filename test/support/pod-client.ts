/** What tests of discovery have in common: a config that follows a name, and a client that tells which pod answered. */

import http2 from 'node:http2';
import type { DnsServer } from './dns-server.ts';
import type { TestGateway } from './gateway.ts';

/** The name that the pods have. */
export const NAME = 'zitadel.test';
/** Everything goes to the pods. */
export const CONFIG = {
  hints: false,
  preset: { name: 'none' as const },
  routes: [{ name: 'all', paths: ['/*'], upstream: 'zitadel' }],
};

/** An upstream whose endpoints are the addresses of the name, looked up often. */
export function upstreamOf(dns: DnsServer, port: number) {
  return {
    discovery: {
      dns: { name: NAME, port },
      address_family: 'ipv4' as const,
      resolver: [dns.address],
      min_ttl_ms: 100,
      retry_max_ms: 250,
      timeout_ms: 300,
    },
  };
}

/** Cleartext HTTP/2 to the gateway. */
export class Client implements Disposable {
  readonly #session: http2.ClientHttp2Session;
  #flowing = true;

  constructor(gateway: TestGateway) {
    this.#session = http2.connect(gateway.clearUrl);
  }

  /** Which pod answered, or the status where none did. */
  async ask(path = '/', method = 'GET'): Promise<string> {
    const stream = this.#session.request({ ':path': path, ':method': method });
    const headers = new Promise<http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader>((resolve, reject) => {
      stream.on('response', resolve);
      stream.on('error', reject);
    });
    const { ':status': status, 'x-pod': pod } = await headers;
    stream.resume();
    await new Promise((resolve) => stream.on('close', resolve));
    return status === 200 ? String(pod) : String(status);
  }

  /** Asks one after the other until `stop`; gives everything that was answered. */
  flow(): { stop(): Promise<ReadonlyMap<string, number>> } {
    const answers = new Map<string, number>();
    const flowing = (async () => {
      while (this.#flowing) {
        const answer = await this.ask('/flow', 'POST');
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      }
    })();
    return {
      stop: async () => {
        this.#flowing = false;
        await flowing;
        return answers;
      },
    };
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}

/** Asks until that pod answers. */
export async function untilPod(client: Client, pod: string): Promise<void> {
  while ((await client.ask()) !== pod);
}
