/**
 * What serves requests in one thread: the generation in force, the engines of the listeners, and how they end. In a
 * process of one thread there is one; else one in each worker, and one in the main thread that compiles and serves nothing.
 */

import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Events } from '../core/events.ts';
import { Networks } from '../core/networks.ts';
import { SharedAddressBudgets } from '../gateway/address-budgets.ts';
import { createGeneration } from '../gateway/app.ts';
import type { Generation } from '../gateway/generation.ts';
import { Kept } from '../gateway/kept.ts';
import type { AddressMemory, ServicesMemory, Thread } from '../gateway/thread.ts';
import { type ChallengeAnswers, Challenges } from '../transport/acme/challenges.ts';
import type { ConnectionCount, ListenerOptions } from '../transport/listener.ts';
import type { TlsSettings } from '../transport/tls.ts';
import { upstreamStatus } from '../upstream/status.ts';
import { atMost } from './at-most.ts';
import { checkIssuers } from './hints.ts';
import { ListenerSet, type PreparedListeners } from './listener-set.ts';
import type { MadeListener } from './listeners.ts';

/** How long a connection of HTTP/1.1 was quiet that a drain closes without an answer, in milliseconds. */
const QUIET_MS = 5000;

/** What the gateway of one thread is made with. */
export interface GatewayOptions {
  readonly id: number;
  readonly config: Config;
  readonly clock: Clock;
  readonly events: Events;
  /** What listeners with TLS use, by name. */
  readonly tls: ReadonlyMap<string, TlsSettings>;
  readonly thread: Thread;
  /** What the main thread has allocated; its own where it is not given. */
  readonly memory?: ServicesMemory | undefined;
  readonly addresses?: AddressMemory | undefined;
  /** Connections of all listeners. */
  readonly count?: ConnectionCount;
  /** Where accepted sockets go that are served in another thread; this one compiles and serves nothing then. */
  readonly hand?: ListenerOptions['hand'];
  /** Whether it compares what ZITADEL says of itself with the config: one thread of a process does. */
  readonly hints: boolean;
}

/** A generation that is compiled and not yet in force. */
export interface Prepared {
  readonly generation: Generation;
  /** Binds the listeners that are new; rejects where one cannot be, and nothing is left of what was prepared. */
  bind(): Promise<void>;
  /** Puts it in force at once. The one before closes when its exchanges are over, and not before `until`. */
  commit(until?: Promise<unknown>): void;
  /** It is not wanted. */
  abandon(): void;
}

/** The part of a gateway that one thread has. */
export class Gateway {
  readonly addresses: SharedAddressBudgets;
  readonly #options: GatewayOptions;
  readonly #kept = new Kept();
  readonly #challenges: Challenges;
  #generation!: Generation;
  #older = new Set<Generation>();
  readonly #listeners: ListenerSet;
  readonly #count: ConnectionCount;
  #checked = false;
  readonly #destroyed = Promise.withResolvers<void>();
  /** Told when the last exchange of an older generation is over. */
  onOver: (id: number) => void = () => {};

  private constructor(options: GatewayOptions) {
    const { events, clock, thread } = options;
    this.#options = options;
    this.#count = options.count ?? { open: 0 };
    this.addresses = new SharedAddressBudgets({
      // The first is asked for before there is a generation.
      config: () => this.#generation?.config ?? options.config,
      clock,
      onReported: (limit) => events.emit('refused', { policy: 'limits', rule: limit, route: '', enforced: false }),
      thread,
      ...(options.addresses !== undefined && { memory: options.addresses }),
    });
    this.#challenges = new Challenges((listener) => events.emit('acme_challenge', { listener }));
    this.#listeners = new ListenerSet({
      challenges: this.#challenges,
      clock,
      events,
      count: this.#count,
      addresses: this.addresses,
      trusted: this.#trusted(),
      generation: () => this.#generation,
      memoryShort: () => this.#generation.overload.memoryShort,
      ...(options.hand !== undefined && { hand: options.hand }),
    });
  }

  /** Compiles the config and makes its listeners, not yet bound; rejects with everything closed where that fails. */
  static async make(options: GatewayOptions): Promise<Gateway> {
    const { config, tls } = options;
    const gateway = new Gateway(options);
    gateway.#generation = await gateway.#compile(options.id, config, options.memory);
    try {
      void gateway.#listeners.prepare(config, tls).commit();
    } catch (error) {
      await gateway.#generation.close();
      throw error;
    }
    return gateway;
  }

  get config(): Config {
    return this.#generation.config;
  }

  get generation(): Generation {
    return this.#generation;
  }

  get listeners(): readonly MadeListener[] {
    return this.#listeners.current;
  }

  get openConnections(): number {
    return this.#count.open;
  }

  /** Exchanges that are not over, of all generations. */
  get openExchanges(): number {
    let open = this.#generation.open;
    for (const generation of this.#older) open += generation.open;
    return open;
  }

  /** The first check of every endpoint was made, or took too long. */
  get checked(): boolean {
    return this.#checked;
  }

  /** Streams that are open to endpoints. */
  get openUpstreamStreams(): number {
    let open = 0;
    for (const { endpoints } of this.#generation.upstreams.values())
      for (const { streams } of endpoints) open += streams;
    return open;
  }

  /** Traffic comes from now on; resolves when the first checks are over. */
  begin(): Promise<void> {
    this.#generation.start();
    return this.#firstChecks(this.#generation);
  }

  /** Binds the listeners that it began with; rejects where one cannot be. */
  async listen(): Promise<void> {
    for (const { listener } of this.listeners) await listener.listen();
  }

  /** Compiles a config; rejects, and nothing has changed, where that cannot be done. */
  async prepare(id: number, config: Config, tls: GatewayOptions['tls'], memory?: ServicesMemory): Promise<Prepared> {
    const generation = await this.#compile(id, config, memory);
    let listeners: PreparedListeners;
    try {
      listeners = this.#listeners.prepare(config, tls);
    } catch (error) {
      await generation.close();
      throw error;
    }
    const serves = this.#options.hand === undefined;
    if (serves) await generation.warm();
    const abandon = (): void => {
      listeners.abandon();
      void generation.close();
    };
    return {
      generation,
      abandon,
      bind: () => listeners.bind(),
      commit: (until) => {
        const before = this.#generation;
        // Before the swap: connections of a listener that is gone are left to the generation that knows it.
        const left = listeners.commit();
        this.#generation = generation;
        if (serves) void this.begin();
        this.#older.add(before);
        void this.#close(before, Promise.all([left, until]));
      },
    };
  }

  /** The upstreams as operators see them. */
  upstreams() {
    return [...this.#generation.upstreams.values()].map((upstream) => upstreamStatus(upstream, this.#options.clock));
  }

  /** How much this thread is let do, and how late and how full it is. */
  pressure() {
    const { overload } = this.#generation;
    return { ...overload.pressure(), limits: overload.limits() };
  }

  /** Names of upstreams of which no endpoint answers. */
  unreachable(): string[] {
    return [...this.#generation.upstreams.values()]
      .filter(({ endpoints }) => endpoints.every(({ reachable }) => reachable === false))
      .map(({ name }) => name);
  }

  /** How full the tables are that count, by name. */
  occupancies() {
    const { occupancy } = this.addresses;
    return { ...this.#generation.services.occupancies(), addresses: occupancy };
  }

  /** A thread is gone: what it had locked and held in shared memory is free again. */
  releaseThread(number: number): void {
    this.addresses.releaseThread(number);
    for (const { services } of [this.#generation, ...this.#older]) services.releaseThread(number);
  }

  /** Answers these challenges by HTTP-01 in the clear, and no others. */
  setChallenges(answers: ChallengeAnswers): void {
    this.#challenges.use(answers);
  }

  /** The key that all threads encrypt TLS tickets with: 48 bytes. */
  setTicketKeys(keys: Buffer): void {
    this.#listeners.setTicketKeys(keys);
  }

  /** Uses other certificates for these listeners from the next handshake on; throws where OpenSSL does not take them. */
  useTls(settings: ReadonlyMap<string, TlsSettings>): void {
    this.#listeners.useTls(settings);
  }

  /** Whether answers over HTTP/1.1 say that their connection is closed: it is going to end. */
  fade(faded: boolean): void {
    this.#listeners.fade(faded);
  }

  /** Stops accepting, tells clients to go, and cuts what is left after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    const { drain_delay_ms: delayMs } = this.config.shutdown;
    // Who wants no delay wants none here either.
    const drained = this.#listeners.drain(delayMs === 0 ? 0 : QUIET_MS);
    await atMost(timeoutMs, Promise.race([drained, this.#destroyed.promise]));
    this.destroy();
    await atMost(1000, drained);
    // What was purged must not come back with the next start.
    await atMost(1000, Promise.resolve(this.#generation.services.cache.disk?.settled()));
    await Promise.all([this.#generation, ...this.#older].map((generation) => generation.close()));
  }

  /** Resolves when `destroy` was called. */
  get destroyed(): Promise<void> {
    return this.#destroyed.promise;
  }

  /** Cuts everything at once. */
  destroy(): void {
    this.#destroyed.resolve();
    const error = new GatewayError('DRAINING');
    for (const generation of [this.#generation, ...this.#older]) generation.abort(error);
    this.#listeners.destroy();
    for (const upstream of this.#generation.upstreams.values()) upstream.destroy();
  }

  async #close(generation: Generation, until: Promise<unknown> | undefined): Promise<void> {
    await until;
    await generation.close();
    this.#older.delete(generation);
    this.onOver(generation.id);
  }

  #compile(id: number, config: Config, memory: ServicesMemory | undefined): Promise<Generation> {
    const { events, clock, thread } = this.#options;
    return createGeneration({
      id,
      config,
      kept: this.#kept,
      events,
      clock,
      thread,
      ...(memory !== undefined && { memory }),
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

  /** Whether anything answers at the endpoints, and whether ZITADEL sees itself as clients do. */
  async #firstChecks({ upstreams, config, warm }: Generation): Promise<void> {
    const { clock, events, hints } = this.#options;
    await warm();
    const checks = [...upstreams.values()].map(async (upstream) => {
      await upstream.awaited;
      await upstream.firstChecks;
    });
    const { promise: timeout, resolve } = Promise.withResolvers<void>();
    clock.after(config.ready_timeout_ms, resolve);
    await Promise.race([Promise.all(checks), timeout]);
    this.#checked = true;
    if (hints) void checkIssuers(config, upstreams, events);
  }
}
