import { Worker } from 'node:worker_threads';
import type { VariantAnswer, VariantOrder } from './message.ts';
import { PIECES_FLAG } from './pieces.ts';
import type { VariantJob } from './variant-job.ts';

/** How a job ended. */
export type VariantOutcome =
  | { readonly kind: 'made'; readonly coded: Uint8Array | undefined }
  /** The thread is well, the job is not. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** The thread is gone. */
  | { readonly kind: 'died'; readonly reason: string };

const SCRIPT = new URL('./variant-worker.ts', import.meta.url);
/** Of JavaScript's heap, which codings hardly use: bodies lie outside it. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };
/** None of the process: an inspector or a test runner has no business in this thread. */
const FLAGS = process.allowedNodeEnvironmentFlags.has(PIECES_FLAG)
  ? [PIECES_FLAG, '--disable-warning=ExperimentalWarning']
  : [];
/** So much is copied in one turn of the event loop: about half a millisecond. */
const PIECE_BYTES = 1_048_576;

/** The thread that codes, as its owner sees it: one job at a time. Does not keep the process alive unless `ref`ed. */
export class VariantThread {
  readonly #worker: Worker;
  #onOutcome: ((outcome: VariantOutcome) => void) | undefined;
  #living = true;

  constructor(script: URL = SCRIPT) {
    this.#worker = new Worker(script, { name: 'variants', resourceLimits: LIMITS, execArgv: FLAGS });
    this.#worker.on('message', (answer: VariantAnswer) => {
      this.#tell('error' in answer ? { kind: 'failed', reason: answer.error } : { kind: 'made', coded: answer.coded });
    });
    this.#worker.on('error', (error) => this.#die(String(error)));
    this.#worker.on('messageerror', (error) => this.#die(String(error)));
    this.#worker.on('exit', (code) => this.#die(`the thread ended with code ${code}`));
    // After the listeners: each that is set for messages makes the thread hold the process again.
    this.#worker.unref();
  }

  /** False from its death on; a job that it had is told then. */
  get living(): boolean {
    return this.#living;
  }

  /** Codes one body; `onOutcome` is called once, later, and not after `end`. */
  code(job: VariantJob, onOutcome: (outcome: VariantOutcome) => void): void {
    this.#onOutcome = onOutcome;
    const { source, coding } = job;
    const { body } = source;
    if (body.buffer instanceof SharedArrayBuffer) {
      this.#send({ coding, body }, []);
      return;
    }
    const copy = new Uint8Array(body.byteLength);
    const from = (at: number) => {
      if (this.#onOutcome !== onOutcome) return;
      copy.set(body.subarray(at, at + PIECE_BYTES), at);
      if (at + PIECE_BYTES < body.byteLength) setImmediate(from, at + PIECE_BYTES);
      else this.#send({ coding, body: copy }, [copy.buffer]);
    };
    from(0);
  }

  #send(order: VariantOrder, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(order, transfer);
  }

  ref(): void {
    this.#worker.ref();
  }

  unref(): void {
    this.#worker.unref();
  }

  /** Ends the thread, with whatever it has at hand. */
  end(): void {
    this.#onOutcome = undefined;
    void this.#worker.terminate();
  }

  #die(reason: string): void {
    if (!this.#living) return;
    this.#living = false;
    void this.#worker.terminate();
    this.#tell({ kind: 'died', reason });
  }

  #tell(outcome: VariantOutcome): void {
    const tell = this.#onOutcome;
    this.#onOutcome = undefined;
    tell?.(outcome);
  }
}
