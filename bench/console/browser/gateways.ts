/** The gateways of the bench: processes with the preset of ZITADEL in front of a port. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateFiles } from '../certificate.ts';
import { freePorts, type Running, run } from '../running.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

/** A running gateway. */
export interface BenchGateway extends Running {
  readonly port: number;
  /** Throws away what is stored for a URL. */
  purge(url: string): Promise<void>;
}

/** Starts them. */
export class Gateways {
  readonly #folder: string;
  readonly #certificate: CertificateFiles;
  readonly #cores: string;
  #count = 0;

  constructor(folder: string, certificate: CertificateFiles, cores: string) {
    this.#folder = folder;
    this.#certificate = certificate;
    this.#cores = cores;
  }

  /** Starts one with an empty store in front of a port of 127.0.0.1. `hints`: it sends 103 before the page. */
  async start(name: string, upstream: number, hints = false): Promise<BenchGateway> {
    const [port, adminPort] = (await freePorts(2)) as [number, number];
    this.#count += 1;
    const own = join(this.#folder, `${name}-${this.#count}`);
    mkdirSync(own);
    const file = join(own, 'gateway.yaml');
    writeFileSync(file, this.#config(port, adminPort, upstream, hints));
    const gateway = await run({
      command: [process.execPath, MAIN, 'serve', '--config', file],
      cores: this.#cores,
      port,
    });
    return Object.assign(gateway, {
      port,
      async purge(url: string) {
        const headers = { 'content-type': 'application/json' };
        const order = { method: 'POST', headers, body: JSON.stringify({ url }) };
        const answer = await fetch(`http://127.0.0.1:${adminPort}/cache/purge`, order);
        if (!answer.ok) throw new Error(`purge: ${answer.status} ${await answer.text()}`);
        const { purged } = (await answer.json()) as { purged: number };
        if (purged > 1) throw new Error(`purge: ${purged} answers for ${url}`);
      },
    });
  }

  #config(port: number, adminPort: number, upstream: number, hints: boolean): string {
    const { certificate, key } = this.#certificate;
    return `preset: zitadel
listeners:
  - name: public
    address: "127.0.0.1:${port}"
    tls:
      certificates: [{ certificate_file: "${certificate}", key_file: "${key}" }]
upstreams:
  zitadel: { protocol: h2c, endpoints: ["127.0.0.1:${upstream}"] }
routes:
  - name: console
    policies: { cache: { single_page_app: { early_hints: ${hints} } } }
classes:
  asset: { rate_limit: false }
admin: { address: "127.0.0.1:${adminPort}" }
log: { level: warn, access: false }
shutdown: { drain_delay_ms: 0, timeout_ms: 500 }
`;
  }
}
