import type { Socket } from 'node:net';
import type { ConnectionColumns } from './connection-columns.ts';
import type { WorkerThread } from './worker-thread.ts';

/** Connections that wait while no worker serves; more are closed. */
const MAX_WAITING = 1024;

/** Where connections go. */
export interface ReceptionOptions {
  readonly connections: ConnectionColumns;
  /** Those who take connections now. */
  serving(): readonly WorkerThread[];
  /** A connection could not be handed over, and is to be closed. */
  onRefused(listener: string, socket: Socket, problem: string): void;
}

/** Gives each new connection to the worker that has the fewest. */
export class Reception {
  readonly #options: ReceptionOptions;
  readonly #waiting: { listener: string; socket: Socket }[] = [];
  #closed = false;
  #turn = 0;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Hands a paused socket over; while nobody serves it waits. */
  take(listener: string, socket: Socket): void {
    const { connections, onRefused } = this.#options;
    const thread = this.#idlest();
    if (thread === undefined) {
      if (this.#closed || this.#waiting.length >= MAX_WAITING) onRefused(listener, socket, 'no worker');
      else this.#waiting.push({ listener, socket });
      return;
    }
    connections.opened(thread.number);
    try {
      thread.serve(listener, socket);
    } catch (error) {
      connections.closed(thread.number);
      onRefused(listener, socket, `hand-over failed: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Somebody serves again. */
  open(): void {
    for (const { listener, socket } of this.#waiting.splice(0)) this.take(listener, socket);
  }

  /** Nobody will serve again. */
  close(): void {
    this.#closed = true;
    for (const { listener, socket } of this.#waiting.splice(0)) this.#options.onRefused(listener, socket, 'no worker');
  }

  #idlest(): WorkerThread | undefined {
    const serving = this.#options.serving();
    this.#turn += 1;
    let best: WorkerThread | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    // Not always the first of those that have equally few.
    for (let i = 0; i < serving.length; i += 1) {
      const thread = serving[(this.#turn + i) % serving.length]!;
      const open = this.#options.connections.of(thread.number);
      if (open < fewest) {
        best = thread;
        fewest = open;
      }
    }
    return best;
  }
}
