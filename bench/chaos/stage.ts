/** What a scenario runs on: pods, a gateway in front of them, a certificate, and a folder that is gone afterwards. */

import { rmSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, makeAuthority } from '../../test/support/authority.ts';
import type { Target } from './callers.ts';
import { type GatewayConfig, GatewayProcess } from './gateway-process.ts';
import { Load, type LoadOptions } from './load.ts';
import { Arrivals, Pod } from './pods.ts';
import type { Pace } from './scenario.ts';

/** Of the certificate; `localhost` is what the clients ask for. */
const NAMES = ['localhost', '127.0.0.1'] as const;
/** Loopback only, whatever the system's resolver says. */
const HOSTS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;

/** Keys of the config by the name of their section; they win. */
export type Changes = Readonly<Record<string, unknown>>;

/** Pods and what is needed to start gateways in front of them. */
export class Stage implements AsyncDisposable {
  readonly pace: Pace;
  readonly folder: string;
  readonly ca: string;
  readonly pods: readonly Pod[];
  readonly arrivals: Arrivals;
  readonly #authority: Authority;
  readonly #gateways: GatewayProcess[] = [];
  readonly #loads: Load[] = [];
  /** However the run ends; pods notice it themselves. */
  readonly #onExit = (): void => {
    for (const gateway of this.#gateways) gateway.kill();
    rmSync(this.folder, { recursive: true, force: true });
  };

  private constructor(pace: Pace, folder: string, authority: Authority, pods: readonly Pod[], arrivals: Arrivals) {
    this.pace = pace;
    this.folder = folder;
    this.#authority = authority;
    this.ca = authority.certificate;
    this.pods = pods;
    this.arrivals = arrivals;
    process.once('exit', this.#onExit);
  }

  static async open(pace: Pace, { samePort = false } = {}): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-chaos-'));
    const arrivals = new Arrivals();
    const pods: Pod[] = [];
    try {
      const authority = await makeAuthority('Chaos');
      await writePair(folder, await authority.issue(NAMES));
      pods.push(await Pod.start(HOSTS[0], 0, pace.shutdownMs, arrivals));
      const port = samePort ? pods[0]!.port : 0;
      const others = HOSTS.slice(1).map((host) => Pod.start(host, port, pace.shutdownMs, arrivals));
      pods.push(...(await Promise.all(others)));
      return new Stage(pace, folder, authority, pods, arrivals);
    } catch (error) {
      for (const pod of pods) await pod[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** A config as an operator would write it, with the times of the pace. */
  config(upstream: object = {}, changes: Changes = {}): GatewayConfig {
    const { checkMs, windowMs, ejectMs } = this.pace;
    const pair = { certificate_file: join(this.folder, 'tls.crt'), key_file: join(this.folder, 'tls.key') };
    return {
      listeners: [
        { name: 'public', address: '127.0.0.1:0', tls: { certificates: [pair] } },
        { name: 'clear', address: '127.0.0.1:0', external_scheme: 'https' },
      ],
      // The load says who it is, as a load balancer does.
      trusted_proxies: ['127.0.0.1/32'],
      upstreams: {
        zitadel: {
          ...('discovery' in upstream ? {} : { endpoints: this.pods.map(({ address }) => address) }),
          http2_engine: this.pace.upstreamEngine,
          slow_start_ms: 0,
          health: {
            check: { interval_ms: checkMs },
            passive: { eject_ms: ejectMs, success_rate: { window_ms: windowMs } },
          },
          retry: {
            rpcs: ['zitadel.user.v2.UserService/Get*'],
            per_try_timeout_ms: 1000,
          },
          ...upstream,
        },
      },
      // The stand-in has streams, ZITADEL has none.
      routes: [{ name: 'streams', paths: ['/gatehouse.demo.v1.StreamService/{rpc}'], upstream: 'zitadel' }],
      admin: { address: '127.0.0.1:0' },
      shutdown: { drain_delay_ms: this.pace.drainMs, timeout_ms: 10_000 },
      log: { format: 'json', access: false },
      workers: this.pace.workers,
      ...(!this.pace.sheds && { overload: { event_loop_delay_ms: 0 } }),
      ...changes,
    };
  }

  async gateway(
    config: GatewayConfig = this.config(),
    name = 'gateway',
    preloaded: readonly string[] = [],
  ): Promise<GatewayProcess> {
    const gateway = await GatewayProcess.start(this.folder, name, config, preloaded);
    this.#gateways.push(gateway);
    return gateway;
  }

  /** A load on a gateway, or on what stands in front of several. */
  async load(gateway: Pick<GatewayProcess, 'ports'>, options: Partial<LoadOptions> = {}): Promise<Load> {
    const { ports } = gateway;
    const target: Target = { publicPort: ports.public, clearPort: ports.clear, ca: this.ca, timeoutMs: 10_000 };
    const load = new Load({ target, rate: this.pace.rate, seed: this.pace.seed, ...options });
    this.#loads.push(load);
    await load.begin();
    return load;
  }

  /** Puts a new certificate in the place of the old one; a broken one comes with the key of another. */
  async renew(broken = false): Promise<void> {
    const [pair, other] = await Promise.all([this.#authority.issue(NAMES), this.#authority.issue(NAMES)]);
    await writePair(this.folder, broken ? { ...pair, key: other.key } : pair);
  }

  /** Whether some pod's process ended while this request was under way. */
  wasInFlight({ at, ms }: { readonly at: number; readonly ms: number }): boolean {
    return this.pods.some(({ ends }) => ends.some((end) => end >= at && end <= at + ms + 250));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#onExit);
    for (const load of this.#loads) load[Symbol.dispose]();
    for (const gateway of this.#gateways) await gateway[Symbol.asyncDispose]();
    for (const pod of this.pods) await pod[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function writePair(folder: string, { certificate, key }: { certificate: string; key: string }): Promise<void> {
  for (const [name, text] of [
    ['tls.crt', certificate],
    ['tls.key', key],
  ] as const) {
    const file = join(folder, name);
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}
