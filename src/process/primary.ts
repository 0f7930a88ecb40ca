/** The running gateway: its listeners, the generation in force, its workers, the way it starts, reloads and ends. */

import type { AddressInfo } from 'node:net';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { SharedAddressBudgets } from '../gateway/address-budgets.ts';
import type { Generation } from '../gateway/generation.ts';
import { atMost } from './at-most.ts';
import type { ConnectionColumns } from './connection-columns.ts';
import { refuseFixed, waitingForRestart } from './fixed.ts';
import type { Gateway, Prepared } from './gateway.ts';
import type { MadeListener } from './listeners.ts';
import { type Made, makeGateway } from './main-thread.ts';
import type { FromWorker, WorkerStart } from './messages.ts';
import { type SharedTls, tlsOfWorkers } from './shared-tls.ts';
import { heapLimits, thisMachine } from './worker-count.ts';
import { Workers } from './workers.ts';

/** What the gateway of a process is started with. */
export interface PrimaryOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Where the development certificate is kept. */
  readonly certificateFolder: string;
  readonly events?: Events;
  /** Where lines of workers go, and how they are made; nowhere where it is not given. */
  readonly log?: NonNullable<WorkerStart['log']> & { relay(lines: string): void };
  /** The program of the workers, for tests. */
  readonly workerScript?: URL;
}

/** A listener and where it is bound. */
export interface BoundListener extends MadeListener {
  readonly address: AddressInfo;
}

/** What /ready tells. */
export interface Readiness {
  readonly ok: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Announcements of workers that are remembered, so that each is told once. */
const MAX_TOLD = 10_000;

/** One gateway in this process. */
export class Primary {
  /** What this thread announces, and what of any thread is to be told once. */
  readonly events: Events;
  /** Undefined where everything runs in this thread. */
  readonly workers: Workers | undefined;
  readonly #clock: Clock;
  /** This thread's part; with workers it serves nothing. */
  readonly gateway: Gateway;
  /** Certificates and ticket keys of all threads. */
  readonly tls: SharedTls;
  readonly #warnings: string[] = [];
  /** The config of the start. */
  readonly #begun: Config;
  #generations = 1;
  /** Since when readiness is off; undefined where it is not. */
  #drainingSince: number | undefined;
  #reloadProblems: string | undefined;
  #stopped: Promise<void> | undefined;
  /** What was announced once for all threads. */
  readonly #told = new Set<string>();

  private constructor(options: PrimaryOptions, made: Made) {
    this.events = made.events;
    this.#clock = options.clock;
    this.#begun = options.config;
    this.gateway = made.gateway;
    this.tls = made.tls;
    this.events.on('untrusted_proxy', ({ listener, reason, peerAddress }) => {
      this.#warnings.push(`trusted_proxies: ${reason} ${peerAddress} on listener ${listener}`);
    });
    this.workers = made.shared && this.#makeWorkers(options, made.shared);
    made.served.by = this.workers;
  }

  /** Compiles, binds and starts the first checks; rejects with everything closed again when something cannot be had. */
  static async start(options: PrimaryOptions): Promise<Primary> {
    const primary = new Primary(options, await makeGateway(options));
    const gateway = primary.gateway;
    try {
      // Before anything is bound: who connects is served at once.
      await primary.workers?.start();
      await primary.tls.begin([gateway, ...(primary.workers === undefined ? [] : [tlsOfWorkers(primary.workers)])]);
      await gateway.listen();
      await primary.tls.keep(options.config.listeners);
    } catch (error) {
      await primary.stop('start failed', { drainDelayMs: 0, timeoutMs: 0 });
      throw error;
    }
    if (primary.workers === undefined) void gateway.begin();
    return primary;
  }

  get config(): Config {
    return this.gateway.config;
  }

  /** The generation in force, as this thread has it; with workers it serves nothing. */
  get generation(): Generation {
    return this.gateway.generation;
  }

  /** What addresses may do over all their connections, and which are banned. */
  get addresses(): SharedAddressBudgets {
    return this.gateway.addresses;
  }

  get listeners(): readonly BoundListener[] {
    return this.gateway.listeners.flatMap((made) => {
      const { address } = made.listener;
      return address === undefined ? [] : [{ ...made, address }];
    });
  }

  /** Exchanges that are not over, of all generations; those of workers as they were a second ago. */
  get openExchanges(): number {
    return this.gateway.openExchanges + (this.workers?.openExchanges ?? 0);
  }

  get openUpstreamStreams(): number {
    return this.gateway.openUpstreamStreams;
  }

  ready(): Readiness {
    const serving = this.workers?.serving;
    const unreachable =
      serving === undefined
        ? this.gateway.unreachable()
        : [...new Set(serving.flatMap(({ state }) => state.unreachable))];
    const checked = serving === undefined ? this.gateway.checked : serving.every(({ state }) => state.checked);
    const draining = this.#drainingSince !== undefined;
    const bound = this.listeners.length === this.config.listeners.length;
    const upstreamsOk = !this.config.ready_requires_upstream || unreachable.length === 0;
    const served = serving === undefined || serving.length > 0;
    const waiting = waitingForRestart(this.config, this.#begun);
    const warnings = [...this.#warnings, ...this.tls.warnings(), ...waiting];
    return {
      ok: !draining && bound && checked && upstreamsOk && served,
      details: {
        draining,
        listeners_bound: bound,
        upstreams_checked: checked,
        unreachable_upstreams: unreachable,
        generation: this.generation.id,
        ...(serving !== undefined && { workers: { wanted: this.workers!.count, serving: serving.length } }),
        ...(this.#reloadProblems !== undefined && { rejected_reload: this.#reloadProblems }),
        ...(warnings.length > 0 && { warnings }),
      },
    };
  }

  /** The upstreams as this thread sees them. */
  upstreams(): ReturnType<Gateway['upstreams']> {
    return this.gateway.upstreams();
  }

  /**
   * Puts a new config in force, in all threads or in none; exchanges in flight end on theirs. Rejects, and nothing has
   * changed, when it cannot be compiled.
   */
  async reload(config: Config): Promise<void> {
    const started = this.#clock.now();
    try {
      refuseFixed(config, this.config, this.#begun);
      await this.#putInForce(config);
    } catch (error) {
      this.rejectReload(error instanceof Error ? error.message : String(error));
      throw error;
    }
    this.#reloadProblems = undefined;
    this.#told.clear();
    this.events.emit('reloaded', { generation: this.generation.id, ms: this.#clock.now() - started });
  }

  async #putInForce(config: Config): Promise<void> {
    const tls = await this.tls.certificates.prepare(config.listeners);
    this.#generations += 1;
    const id = this.#generations;
    const { workers } = this;
    let here: Prepared | undefined;
    let there: Awaited<ReturnType<Workers['prepare']>> | undefined;
    try {
      here = await this.gateway.prepare(id, config, tls.settings);
      const { memory } = here.generation.services;
      there = await workers?.prepare({ id, config, memory, tls: tls.settings });
      // Last, so that nobody connects to what is then not wanted.
      await here.bind();
    } catch (error) {
      tls.abandon();
      there?.abandon();
      here?.abandon();
      throw error;
    }
    tls.commit();
    // What is counted for the generation before is kept until no thread counts in it.
    here.commit(workers?.over(this.generation.id));
    await there?.commit();
    await this.tls.keep(config.listeners);
    // Files may have changed meanwhile.
    void this.tls.again().catch(() => {});
  }

  /** A config that could not even be loaded: told as a detail of readiness. */
  rejectReload(problems: string): void {
    this.#reloadProblems = problems;
    this.events.emit('reload_failed', { problems });
  }

  /** Turns readiness off without ending, so that load balancers send others their clients; or on again. */
  drain(wanted: boolean): void {
    if (this.#stopped !== undefined || wanted === (this.#drainingSince !== undefined)) return;
    this.#fade(wanted, wanted ? 'drain' : undefined);
  }

  /** Clients over HTTP/1.1 are asked to go with each answer, as long as that costs nobody a request. */
  #fade(faded: boolean, signal: string | undefined): void {
    this.#drainingSince = faded ? (this.#drainingSince ?? this.#clock.now()) : undefined;
    this.gateway.fade(faded);
    void this.workers?.ask('fade', faded);
    if (signal === undefined) this.events.emit('drain_ended', {});
    else this.events.emit('draining', { signal });
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
    this.#fade(true, signal);
    // Load balancers may have been told before.
    const leftMs = drainDelayMs - (this.#clock.now() - this.#drainingSince!);
    if (leftMs > 0) await atMost(leftMs, this.gateway.destroyed);
    // Accepting ends in this thread at once; what was handed over before is served.
    if (this.workers === undefined) await this.gateway.drain(timeoutMs);
    else await Promise.all([this.gateway.drain(timeoutMs), this.workers.drain(timeoutMs)]);
    this.tls[Symbol.dispose]();
  }

  /** Cuts everything at once. */
  destroy(): void {
    this.gateway.destroy();
    this.workers?.destroy();
  }

  /** How full the tables are that count, by name. */
  occupancies(): ReturnType<Gateway['occupancies']> {
    return this.gateway.occupancies();
  }

  /** A ban holds in all threads at once; this one lists and lifts them. */
  #noteBan({ of, ban }: Extract<FromWorker, { kind: 'ban' }>): void {
    if (of === 'address') this.addresses.noteBan(ban);
    else this.generation.services.localTier.noteBan(ban);
  }

  /** What several workers find is told once, until a reload. */
  #announce({ name, payload }: Extract<FromWorker, { kind: 'event' }>): void {
    const what = `${name} ${JSON.stringify(payload)}`;
    if (this.#told.has(what) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(what);
    this.events.emit(name, payload as never);
  }

  #makeWorkers(options: PrimaryOptions, { columns, count }: { columns: ConnectionColumns; count: number }): Workers {
    const { config, log } = options;
    return new Workers({
      count,
      clock: options.clock,
      log: log && { human: log.human, terminal: log.terminal },
      resourceLimits: heapLimits(config, count, thisMachine()),
      script: options.workerScript,
      addresses: this.addresses.memory,
      connections: columns,
      generation: () => {
        const { id, config: current, services } = this.generation;
        return { id, config: current, memory: services.memory, tls: this.tls.certificates.settings };
      },
      variants: () => this.generation.services.cache.maker,
      onLog: (lines) => log?.relay(lines),
      onMessage: (message) => {
        if (message.kind === 'ban') this.#noteBan(message);
        else this.#announce(message);
      },
      onGone: (number) => this.gateway.releaseThread(number),
      onLost: (lost) => this.events.emit('worker_lost', lost),
      onHung: (hung) => this.events.emit('worker_hung', hung),
      onStarted: (started) => {
        void this.tls.again();
        this.events.emit('worker_started', started);
      },
      knows: (name) => this.gateway.listeners.some(({ config: { name: is } }) => is === name),
      onRefused: (listener, socket, reason) => {
        this.events.emit('connection_ended', { listener, reason });
        socket.destroy();
      },
    });
  }
}
