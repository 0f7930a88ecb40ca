/** The running gateway: its listeners, the generation in force, the way it starts, reloads and ends. */

import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import { Events } from '../core/events.ts';
import type { RawReply, RawRequest } from '../core/raw.ts';
import { SharedAddressBudgets } from '../gateway/address-budgets.ts';
import { createGeneration } from '../gateway/app.ts';
import type { Generation } from '../gateway/generation.ts';
import { Kept } from '../gateway/kept.ts';
import { Networks } from '../transport/client-address.ts';
import { ask } from '../upstream/ask.ts';
import { checkIssuers } from './hints.ts';
import { type MadeListener, makeListener } from './listeners.ts';

export interface PrimaryOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Where the development certificate is kept. */
  readonly certificateFolder: string;
  readonly events?: Events;
}

export interface BoundListener extends MadeListener {
  readonly address: AddressInfo;
}

/** What /ready tells. */
export interface Readiness {
  readonly ok: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

/** One gateway in this process. */
export class Primary {
  readonly events: Events;
  readonly #clock: Clock;
  readonly #kept = new Kept();
  readonly #warnings: string[] = [];
  readonly #addresses: SharedAddressBudgets;
  #generation!: Generation;
  #generations = 0;
  #older = new Set<Generation>();
  #listeners: BoundListener[] = [];
  #draining = false;
  #checked = false;
  #reloadProblems: string | undefined;
  #stopped: Promise<void> | undefined;
  readonly #destroyed = Promise.withResolvers<void>();

  private constructor(options: PrimaryOptions) {
    this.events = options.events ?? new Events();
    this.#clock = options.clock;
    this.#addresses = this.#addressBudgets(options.config);
    this.events.on('untrusted_proxy', ({ listener, reason, peerAddress }) => {
      this.#warnings.push(`trusted_proxies: ${reason} ${peerAddress} on listener ${listener}`);
    });
  }

  /** Compiles, binds and starts the first checks; rejects with everything closed again when something cannot be had. */
  static async start(options: PrimaryOptions): Promise<Primary> {
    const primary = new Primary(options);
    primary.#generation = await primary.#compile(options.config);
    try {
      const shared = {
        limits: options.config.limits,
        folder: options.certificateFolder,
        count: { open: 0 },
        addresses: primary.#addresses,
        trusted: primary.#trusted(),
        sink: primary.#sink(),
        events: primary.events,
      };
      for (const config of options.config.listeners) {
        const made = await makeListener(config, shared);
        const address = await made.listener.listen();
        primary.#listeners.push({ ...made, address });
      }
    } catch (error) {
      await primary.stop('start failed', { drainDelayMs: 0, timeoutMs: 0 });
      throw error;
    }
    void primary.#firstChecks();
    return primary;
  }

  get config(): Config {
    return this.#generation.config;
  }

  get generation(): Generation {
    return this.#generation;
  }

  get listeners(): readonly BoundListener[] {
    return this.#listeners;
  }

  /** Exchanges that are not over, of all generations. */
  get openExchanges(): number {
    let open = this.#generation.open;
    for (const generation of this.#older) open += generation.open;
    return open;
  }

  ready(): Readiness {
    const unreachable = this.upstreams().filter(({ endpoints }) =>
      endpoints.every(({ reachable }) => reachable === false),
    );
    const bound = this.#listeners.length === this.config.listeners.length;
    const upstreamsOk = !this.config.ready_requires_upstream || unreachable.length === 0;
    return {
      ok: !this.#draining && bound && this.#checked && upstreamsOk,
      details: {
        draining: this.#draining,
        listeners_bound: bound,
        upstreams_checked: this.#checked,
        unreachable_upstreams: unreachable.map(({ name }) => name),
        generation: this.#generation.id,
        ...(this.#reloadProblems !== undefined && { rejected_reload: this.#reloadProblems }),
        ...(this.#warnings.length > 0 && { warnings: this.#warnings }),
      },
    };
  }

  upstreams() {
    return [...this.#generation.upstreams.values()].map((upstream) => ({
      name: upstream.name,
      protocol: upstream.protocol,
      endpoints: upstream.endpoints.map((endpoint) => ({
        name: endpoint.name,
        reachable: endpoint.reachable,
        sessions: endpoint.sessions,
        streams: endpoint.streams,
        last_error: endpoint.lastError,
      })),
    }));
  }

  /** Puts a new config in force; exchanges in flight end on theirs. Rejects, and nothing has changed, when it cannot be compiled. */
  async reload(config: Config): Promise<void> {
    const started = this.#clock.now();
    try {
      const fixed = ['listeners', 'limits', 'admin'] as const;
      for (const key of fixed) {
        if (JSON.stringify(config[key]) !== JSON.stringify(this.config[key])) {
          throw new Error(`${key}: changes need a restart of the gateway`);
        }
      }
      const next = await this.#compile(config);
      const before = this.#generation;
      this.#generation = next;
      this.#older.add(before);
      void before.close().then(() => this.#older.delete(before));
    } catch (error) {
      this.rejectReload(error instanceof Error ? error.message : String(error));
      throw error;
    }
    this.#reloadProblems = undefined;
    this.events.emit('reloaded', { generation: this.#generation.id, ms: this.#clock.now() - started });
    void this.#firstChecks();
  }

  /** A config that could not even be loaded: told as a detail of readiness. */
  rejectReload(problems: string): void {
    this.#reloadProblems = problems;
    this.events.emit('reload_failed', { problems });
  }

  /**
   * Readiness off, go on accepting for a while, then GOAWAY and stop accepting, then cut what is left.
   * A second call has the first one's promise.
   */
  stop(
    signal: string,
    { drainDelayMs, timeoutMs } = {
      drainDelayMs: this.config.shutdown.drain_delay_ms,
      timeoutMs: this.config.shutdown.timeout_ms,
    },
  ): Promise<void> {
    this.#stopped ??= this.#stop(signal, drainDelayMs, timeoutMs);
    return this.#stopped;
  }

  async #stop(signal: string, drainDelayMs: number, timeoutMs: number): Promise<void> {
    this.#draining = true;
    this.events.emit('draining', { signal });
    if (drainDelayMs > 0) await atMost(drainDelayMs, this.#destroyed.promise);
    const drained = Promise.all(this.#listeners.map(({ listener }) => listener.drain()));
    await atMost(timeoutMs, Promise.race([drained, this.#destroyed.promise]));
    this.destroy();
    await atMost(1000, drained);
    await Promise.all([this.#generation, ...this.#older].map((generation) => generation.close()));
  }

  /** Cuts everything at once. */
  destroy(): void {
    this.#destroyed.resolve();
    const error = new GatewayError('DRAINING');
    for (const generation of [this.#generation, ...this.#older]) generation.abort(error);
    for (const { listener } of this.#listeners) listener.destroy();
    for (const upstream of this.#generation.upstreams.values()) upstream.destroy();
  }

  #compile(config: Config): Promise<Generation> {
    this.#generations += 1;
    return createGeneration({
      id: this.#generations,
      config,
      kept: this.#kept,
      events: this.events,
      clock: this.#clock,
    });
  }

  /** How full the tables are that count, by name. */
  occupancies() {
    const { occupancy } = this.#addresses;
    return { ...this.#generation.services.occupancies(), addresses: occupancy };
  }

  #addressBudgets(first: Config): SharedAddressBudgets {
    return new SharedAddressBudgets({
      // The first is asked for before there is a generation.
      config: () => this.#generation?.config ?? first,
      clock: this.#clock,
      onReported: (limit) => this.events.emit('refused', { policy: 'limits', rule: limit, route: '', enforced: false }),
    });
  }

  /** Asks the generation in force. */
  #trusted(): (address: string) => boolean {
    let made: { readonly of: readonly string[]; readonly networks: Networks } | undefined;
    return (address) => {
      const { trusted_proxies: of } = this.config;
      if (made?.of !== of) made = { of, networks: new Networks(of) };
      return made.networks.has(address);
    };
  }

  /** The one reference that a reload swaps; an exchange keeps the generation that it began with. */
  #sink() {
    return {
      request: (request: RawRequest, reply: RawReply) => this.#generation.handle(request, reply),
      wantsUpgrade: (request: RawRequest) => this.#generation.wantsUpgrade(request),
      upgrade: (request: RawRequest, socket: Duplex, head: Buffer) => this.#generation.upgrade(request, socket, head),
    };
  }

  /** Whether anything answers at the endpoints, and whether ZITADEL sees itself as clients do. */
  async #firstChecks(): Promise<void> {
    const { upstreams, config } = this.#generation;
    const authority = config.hosts.find((host) => !host.startsWith('*.')) ?? 'localhost';
    const checks = [...upstreams.values()].flatMap((upstream) =>
      upstream.endpoints.map(async (endpoint) => {
        const options = {
          path: '/debug/healthz',
          authority,
          scheme: upstream.scheme,
          timeoutMs: 2000,
          maxBytes: 65_536,
        } as const;
        await ask(endpoint, options).then(
          () => endpoint.answered(),
          (error) => endpoint.failed(GatewayError.from(error), true, this.#clock.wall()),
        );
      }),
    );
    const { promise: timeout, resolve } = Promise.withResolvers<void>();
    this.#clock.after(config.ready_timeout_ms, resolve);
    await Promise.race([Promise.all(checks), timeout]);
    this.#checked = true;
    await checkIssuers(config, upstreams, this.events);
  }
}

/**
 * Waits for something, but not for ever. Not on the clock, whose timers let the process end; and the timer is taken
 * back, or it would keep a process that has long been drained.
 */
async function atMost(ms: number, something: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([something, promise]);
  clearTimeout(timer);
}
