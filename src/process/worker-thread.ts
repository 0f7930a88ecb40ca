/** One worker as the main thread sees it: what it is asked, what it tells, and its end. */

import type { Socket } from 'node:net';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { StoreChange } from '../cache/mirror.ts';
import { MakerDesk } from '../encoding/variants/maker-desk.ts';
import type { Variants } from '../encoding/variants/variants.ts';
import { atMost } from './at-most.ts';
import type { Watched } from './life-watch.ts';
import type { FromWorker, Questions, ToWorker, WorkerStart, WorkerState } from './messages.ts';

/** How long a thread may take to end when it is made to, in milliseconds: a call into native code cannot be broken off. */
const KILL_MS = 5000;
const SCRIPT = new URL('./worker.ts', import.meta.url);

/** What a worker is started with, and who hears of it. */
export interface WorkerThreadOptions {
  readonly start: WorkerStart;
  readonly resourceLimits: ResourceLimits;
  /** The program, for tests. */
  readonly script?: URL | undefined;
  /** The maker of variants of the process. */
  variants(): Variants;
  /** Lines for the log. */
  onLog(lines: string): void;
  onMessage(message: Extract<FromWorker, { kind: 'event' | 'ban' | 'returned' | 'generation_over' | 'cache' }>): void;
  onState(): void;
  /** It takes no more connections, and will end by itself. */
  onFailing(problem: string): void;
  /** It has ended; `problem` in words, undefined where it was told to. */
  onEnd(problem: string | undefined): void;
}

interface Asked {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A thread that serves. */
export class WorkerThread implements Watched {
  /** Which of the workers it is. */
  readonly worker: number;
  /** Its number among all threads. */
  readonly number: number;
  /** The generation that it began with, or that was committed in it last. */
  generation: number;
  readonly #options: WorkerThreadOptions;
  readonly #thread: Worker;
  readonly #desk: MakerDesk;
  readonly #asked = new Map<number, Asked>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #status: 'starting' | 'serving' | 'leaving' | 'ended' = 'starting';
  #state: WorkerState = { checked: false, unreachable: [], openExchanges: 0 };
  #lastQuestion = 0;
  #unanswered = 0;
  #problem: string | undefined;

  constructor(options: WorkerThreadOptions) {
    const { start, resourceLimits, script = SCRIPT } = options;
    this.#options = options;
    this.worker = start.worker;
    this.number = start.thread.number;
    this.generation = start.generation.id;
    // No flags of the process: an inspector or a test runner has no business in there.
    this.#thread = new Worker(script, {
      name: `worker ${this.worker}`,
      workerData: start,
      resourceLimits,
      execArgv: [],
    });
    this.#desk = new MakerDesk(options.variants, (answer) => this.#post({ kind: 'variants', answer }));
    this.#ready.promise.catch(() => {}); // whoever waits is told as well
    this.#thread.on('message', (message: FromWorker) => this.#heard(message));
    this.#thread.on('error', (error) => {
      this.#problem ??= error instanceof Error ? error.message : String(error);
    });
    this.#thread.on('messageerror', (error) => this.#fails(`a message that cannot be read: ${error}`));
    this.#thread.on('exit', (code) => this.#over(code));
  }

  /** Resolves when it serves; rejects where it ends before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when the thread is gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get status(): 'starting' | 'serving' | 'leaving' | 'ended' {
    return this.#status;
  }

  get state(): WorkerState {
    return this.#state;
  }

  get unanswered(): number {
    return this.#unanswered;
  }

  knock(): void {
    this.#unanswered += 1;
    this.#post({ kind: 'knock' });
  }

  /** Hands over a paused socket; throws where it cannot be. */
  serve(listener: string, socket: Socket): void {
    this.#thread.postMessage({ kind: 'connection', listener, socket } satisfies ToWorker, [socket as never]);
  }

  /** Tells its store of a change in another one, and what count holds then. */
  mirror(epoch: number, change?: StoreChange): void {
    this.#post({ kind: 'cache', epoch, change });
  }

  /** Rejects where it fails, ends or takes too long. */
  async ask<K extends keyof Questions>(
    what: K,
    argument: Questions[K]['argument'],
    timeoutMs: number,
  ): Promise<Questions[K]['answer']> {
    if (this.#status === 'ended') throw new Error(`worker ${this.worker} has ended`);
    this.#lastQuestion += 1;
    const id = this.#lastQuestion;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#asked.set(id, { resolve, reject });
    promise.catch(() => {}); // also when it comes late
    this.#post({ kind: 'question', id, what, argument } as ToWorker);
    const inTime = await atMost(timeoutMs, promise);
    this.#asked.delete(id);
    if (!inTime) throw new Error(`worker ${this.worker} did not answer within ${timeoutMs} ms (${what})`);
    return (await promise) as Questions[K]['answer'];
  }

  /** Ends what it serves within so many milliseconds, then itself. Never rejects. */
  async drain(timeoutMs: number, graceMs: number): Promise<void> {
    if (this.#status !== 'ended') this.#status = 'leaving';
    await this.ask('drain', timeoutMs, timeoutMs + graceMs).catch(() => {});
    if (await atMost(graceMs, this.ended)) return;
    await this.kill();
  }

  /** Cuts its connections. */
  destroy(): void {
    if (this.#status !== 'ended') this.#post({ kind: 'destroy' });
  }

  /** Ends the thread at once, with all it has; waits for that, though not for ever. */
  async kill(): Promise<void> {
    void this.#thread.terminate();
    await atMost(KILL_MS, this.ended);
  }

  /** It stands still: it takes no more connections, and is made to end. */
  hung(problem: string): void {
    this.#fails(problem);
    void this.#thread.terminate();
  }

  #post(message: ToWorker): void {
    if (this.#status !== 'ended') this.#thread.postMessage(message);
  }

  #heard(message: FromWorker): void {
    const { onLog, onState, onMessage } = this.#options;
    switch (message.kind) {
      case 'ready':
        if (this.#status === 'starting') this.#status = 'serving';
        this.#unanswered = 0;
        this.#ready.resolve();
        break;
      case 'unfit':
        this.#problem = message.problem;
        break;
      case 'failing':
        this.#fails(message.problem);
        break;
      case 'alive':
        this.#unanswered = 0;
        break;
      case 'state':
        this.#state = message.state;
        onState();
        break;
      case 'answer':
        this.#asked.get(message.id)?.resolve(message.answer);
        break;
      case 'no_answer': {
        const { problem, range } = message;
        this.#asked.get(message.id)?.reject(range ? new RangeError(problem) : new Error(problem));
        break;
      }
      case 'log':
        onLog(message.lines);
        this.#post({ kind: 'log_taken' });
        break;
      case 'variants':
        this.#desk.take(message.order);
        break;
      default:
        onMessage(message);
    }
  }

  #fails(problem: string): void {
    if (this.#status === 'ended' || this.#problem !== undefined) return;
    this.#problem = problem;
    this.#status = 'leaving';
    this.#options.onFailing(problem);
  }

  #over(code: number): void {
    const expected = this.#status === 'leaving' && this.#problem === undefined;
    const problem = expected ? undefined : (this.#problem ?? `the thread ended with code ${code}`);
    this.#status = 'ended';
    this.#desk.close();
    const error = new Error(`worker ${this.worker}: ${problem ?? 'ended'}`);
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
    this.#ready.reject(error);
    this.#options.onEnd(problem);
    this.#ended.resolve();
  }
}
