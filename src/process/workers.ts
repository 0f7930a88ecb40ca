/**
 * The workers of a process: begun, replaced when they end, handed connections, asked together. A new generation comes
 * into force in all of them or in none.
 */

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ResourceLimits } from 'node:worker_threads';
import type { Clock } from '../core/clock.ts';
import type { Variants } from '../encoding/variants/variants.ts';
import type { AddressMemory } from '../gateway/thread.ts';
import { atMost } from './at-most.ts';
import { CacheRelay } from './cache-relay.ts';
import type { ConnectionColumns } from './connection-columns.ts';
import { GenerationEnds } from './generation-ends.ts';
import { ANSWER_MS, PREPARE_MS, type PreparedInAll, prepareInAll } from './generation-swap.ts';
import { LifeWatch, prompt } from './life-watch.ts';
import type { FromWorker, GenerationOrder, Questions, WorkerStart } from './messages.ts';
import { Reception } from './reception.ts';
import { RestartPace } from './restart-pace.ts';
import { WorkerThread } from './worker-thread.ts';

/** How long a worker may take to end beyond what its connections are given, in milliseconds. */
const GRACE_MS = 3000;

/** How many workers there are, what they are started with, and who hears of them. */
export interface WorkersOptions {
  readonly count: number;
  readonly clock: Clock;
  readonly log: WorkerStart['log'];
  readonly resourceLimits: ResourceLimits;
  readonly script?: URL | undefined;
  readonly addresses: AddressMemory;
  /** Connections by thread; see `threadsFor`. */
  readonly connections: ConnectionColumns;
  /** What a worker that begins now has to begin with. */
  generation(): GenerationOrder;
  variants(): Variants;
  onLog(lines: string): void;
  onMessage(message: Extract<FromWorker, { kind: 'event' | 'ban' }>): void;
  /** A thread is gone with what it held in shared memory. */
  onGone(number: number): void;
  onLost(lost: { worker: number; problem: string; restartInMs: number }): void;
  /** A worker's event loop stands still; it is made to end, and lost. */
  onHung(hung: { worker: number }): void;
  onStarted(started: { worker: number; restarts: number }): void;
  /** Whether there still is a listener of this name. */
  knows(listener: string): boolean;
  /** A connection could not be handed over; it is closed. */
  onRefused(listener: string, socket: Socket, problem: string): void;
}

/** The highest number of a thread with so many workers: main, each worker, and one that replaces each while it ends. */
export function threadsFor(workers: number): number {
  return 1 + 2 * workers;
}

/** All workers. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #paces: RestartPace[] = [];
  /** Those that serve or begin, by their place. */
  readonly #current: (WorkerThread | undefined)[] = [];
  /** All threads that are not gone, those that are ending too. */
  readonly #living = new Map<number, WorkerThread>();
  readonly #reception: Reception;
  readonly #restarts: (() => void)[] = [];
  readonly #ends = new GenerationEnds();
  /** Between the stores of the workers. */
  readonly cache = new CacheRelay(() => this.serving);
  readonly #watch: LifeWatch<WorkerThread>;
  #ticketKeys: Uint8Array = randomBytes(48);
  #preparing: Promise<unknown> | undefined;
  #stopping = false;
  readonly #goneListeners: ((number: number) => void)[] = [];

  constructor(options: WorkersOptions) {
    this.#options = options;
    const { connections, onRefused } = options;
    this.#reception = new Reception({ connections, serving: () => prompt(this.serving), onRefused });
    this.#watch = new LifeWatch({
      clock: options.clock,
      limitMs: () => options.generation().config.worker_hang_ms,
      threads: () => this.#living.values(),
      onHung: (thread, silentMs) => this.#hung(thread, silentMs),
    });
    for (let worker = 0; worker < options.count; worker += 1) this.#paces.push(new RestartPace(options.clock));
  }

  /** Begins all; rejects with the first problem, all ended again. */
  async start(): Promise<void> {
    const threads = this.#paces.map((_, at) => this.#begin(at + 1));
    try {
      await Promise.all(threads.map(({ ready }) => ready));
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Those that serve. */
  get serving(): readonly WorkerThread[] {
    return this.#current.filter((thread): thread is WorkerThread => thread?.status === 'serving');
  }

  /** Exchanges that are not over, as the workers told it last. */
  get openExchanges(): number {
    return [...this.#living.values()].reduce((sum, { state }) => sum + state.openExchanges, 0);
  }

  /** Connections that a worker has now. */
  connectionsOf({ number }: WorkerThread): number {
    return this.#options.connections.of(number);
  }

  /** How many are to serve. */
  get count(): number {
    return this.#options.count;
  }

  /** Tells of every thread that is gone, by its number. */
  onGone(listener: (number: number) => void): void {
    this.#goneListeners.push(listener);
  }

  /** Hands a paused socket to the worker with the fewest connections; while none serves it waits. */
  serve(listener: string, socket: Socket): void {
    this.#reception.take(listener, socket);
  }

  /** Asks all that serve; of one that does not answer undefined. By number of the thread. */
  async ask<K extends keyof Questions>(
    what: K,
    argument: Questions[K]['argument'],
    timeoutMs = ANSWER_MS,
  ): Promise<Map<WorkerThread, Questions[K]['answer'] | undefined>> {
    const answers = await Promise.all(
      this.serving.map(async (thread) => {
        const answer = await thread.ask(what, argument, timeoutMs).catch((error: unknown) => {
          if (error instanceof RangeError) throw error;
          return undefined;
        });
        return [thread, answer] as const;
      }),
    );
    return new Map(answers);
  }

  /**
   * Has a generation compiled in all workers. Rejects with the problem of the first that cannot, and none keeps it; else
   * gives how to put it in force, and how not to. Workers that begin meanwhile wait for the outcome.
   */
  async prepare(order: GenerationOrder): Promise<PreparedInAll> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#preparing = promise;
    const done = (): void => {
      this.#preparing = undefined;
      resolve();
    };
    // One that begins has the config before: it is waited for, or does not count.
    const begun = this.#current.filter((thread) => thread !== undefined).map(({ ready }) => ready.catch(() => {}));
    await Promise.all(begun.map((ready) => atMost(PREPARE_MS, ready)));
    return prepareInAll(this.serving, order, done);
  }

  /** Resolves when an older generation is over in every worker that there is now. */
  over(id: number): Promise<void> {
    return this.#ends.over(id, this.#living.keys());
  }

  /** The key that all workers encrypt TLS tickets with, now and when they begin again: 48 bytes. */
  async setTicketKeys(keys: Uint8Array): Promise<void> {
    if (keys.byteLength !== 48) throw new RangeError(`ticket keys: expected 48 bytes, not ${keys.byteLength}`);
    this.#ticketKeys = keys;
    await this.ask('ticket_keys', keys);
  }

  /** Lets all end what they serve; resolves when all threads are gone. */
  async drain(timeoutMs: number): Promise<void> {
    this.#stop();
    await Promise.all([...this.#living.values()].map((thread) => thread.drain(timeoutMs, GRACE_MS)));
  }

  /** Cuts all connections at once. */
  destroy(): void {
    for (const thread of this.#living.values()) thread.destroy();
  }

  /** Ends all threads at once. */
  async kill(): Promise<void> {
    this.#stop();
    await Promise.all([...this.#living.values()].map((thread) => thread.kill()));
  }

  #stop(): void {
    this.#stopping = true;
    this.#watch[Symbol.dispose]();
    for (const cancel of this.#restarts.splice(0)) cancel();
    this.#reception.close();
  }

  #begin(worker: number): WorkerThread {
    const options = this.#options;
    const number = this.#freeNumber()!;
    options.connections.zero(number);
    const thread: WorkerThread = new WorkerThread({
      start: {
        worker,
        thread: { number, count: threadsFor(options.count), sharers: options.count },
        generation: options.generation(),
        addresses: options.addresses,
        connections: options.connections.memory,
        ticketKeys: this.#ticketKeys,
        log: options.log,
      },
      resourceLimits: options.resourceLimits,
      script: options.script,
      variants: options.variants,
      onLog: options.onLog,
      onState: () => {},
      onMessage: (message) => {
        if (message.kind === 'generation_over') this.#ends.overIn(message.id, number);
        else if (message.kind === 'cache') this.cache.take(thread, message);
        else if (message.kind === 'returned') this.#again(message.listener, message.socket);
        else options.onMessage(message);
      },
      onFailing: (problem) => this.#lost(thread, problem),
      onEnd: (problem) => this.#ended(thread, problem),
    });
    this.#living.set(number, thread);
    this.#current[worker - 1] = thread;
    thread.ready.then(
      () => {
        // One that took too long may have missed a reload.
        if (thread.generation !== options.generation().id) {
          void thread.kill();
          return;
        }
        this.#reception.open();
        void this.cache.fill(thread);
      },
      () => {},
    );
    return thread;
  }

  /** One that was given back, because its worker ends, or because a reload took its listener away. */
  #again(listener: string, socket: Socket): void {
    if (this.#options.knows(listener)) this.serve(listener, socket);
    else this.#options.onRefused(listener, socket, 'the listener is gone');
  }

  /** Undefined while threads that end, or cannot be made to, hold all there is. */
  #freeNumber(): number | undefined {
    for (let number = 2; number <= threadsFor(this.#options.count); number += 1) {
      if (!this.#living.has(number)) return number;
    }
    return undefined;
  }

  #hung(thread: WorkerThread, silentMs: number): void {
    const told = thread.status !== 'leaving';
    thread.hung(`its event loop has stood still for ${silentMs / 1000} s`);
    if (told) this.#options.onHung({ worker: thread.worker });
  }

  #ended(thread: WorkerThread, problem: string | undefined): void {
    const { number } = thread;
    this.#living.delete(number);
    this.#ends.gone(number);
    this.#options.connections.zero(number);
    this.#options.onGone(number);
    for (const listener of this.#goneListeners) listener(number);
    if (this.#current[thread.worker - 1] === thread) this.#lost(thread, problem ?? 'ended');
  }

  /** Replaces a worker that serves no more. */
  #lost({ worker }: WorkerThread, problem: string): void {
    this.#current[worker - 1] = undefined;
    if (this.#stopping) return;
    const pace = this.#paces[worker - 1]!;
    const restartInMs = pace.afterLoss();
    this.#options.onLost({ worker, problem, restartInMs });
    const cancel = this.#options.clock.after(restartInMs, () => {
      this.#restarts.splice(this.#restarts.indexOf(cancel), 1);
      void this.#restart(worker, pace);
    });
    this.#restarts.push(cancel);
  }

  async #restart(worker: number, pace: RestartPace): Promise<void> {
    while (this.#preparing !== undefined || this.#freeNumber() === undefined) {
      await (this.#preparing ?? Promise.race([...this.#living.values()].map(({ ended }) => ended)));
    }
    if (this.#stopping) return;
    try {
      await this.#begin(worker).ready;
      pace.begun();
      this.#options.onStarted({ worker, restarts: pace.restarts });
    } catch {
      // Its end has been told, and the next try is on its way.
    }
  }
}
