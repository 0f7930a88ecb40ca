/** Pods as child processes, which are killed, stopped and started again on the address that they had. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Order, PodMessage } from './orders.ts';

const PROGRAM = fileURLToPath(new URL('pod.ts', import.meta.url));

/** How often the requests with an id have come, over all pods and their lives. */
export class Arrivals {
  readonly counts = new Map<string, number>();

  add(id: string): void {
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
  }

  /** Ids that came more than once. */
  get doubled(): readonly string[] {
    return [...this.counts].filter(([, count]) => count > 1).map(([id]) => id);
  }
}

/** One address, and the process that serves it at the moment. */
export class Pod implements AsyncDisposable {
  readonly host: string;
  /** When its processes ended, by the clock of `performance`. */
  readonly ends: number[] = [];
  readonly #shutdownMs: number;
  readonly #arrivals: Arrivals;
  #port: number;
  #child: ChildProcess | undefined;

  private constructor(host: string, port: number, shutdownMs: number, arrivals: Arrivals) {
    this.host = host;
    this.#port = port;
    this.#shutdownMs = shutdownMs;
    this.#arrivals = arrivals;
  }

  /** Starts a pod; with port 0 on any free one, which it keeps. */
  static async start(host: string, port: number, shutdownMs: number, arrivals: Arrivals): Promise<Pod> {
    const pod = new Pod(host, port, shutdownMs, arrivals);
    await pod.start();
    return pod;
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `${this.host}:${this.#port}`;
  }

  /** Starts its process; resolves when it listens, with the time of that. Rejects when it cannot. */
  async start(): Promise<number> {
    const child = fork(PROGRAM, [this.host, String(this.#port), String(this.#shutdownMs)]);
    this.#child = child;
    child.once('exit', () => {
      this.ends.push(performance.now());
      this.#child = undefined;
    });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    child.once('exit', (code) => reject(new Error(`the pod ${this.host} ended with ${code}`)));
    child.on('message', (message: PodMessage) => {
      if (message.name === 'arrived') this.#arrivals.add(message.id);
      if (message.name !== 'listening') return;
      this.#port = message.port;
      resolve(performance.now());
    });
    return promise;
  }

  /** Resolves when its readiness probe has been answered, with the time of that. */
  async ready(): Promise<number> {
    const answer = await fetch(`http://${this.address}/debug/ready`);
    await answer.arrayBuffer();
    return performance.now();
  }

  /** Resolves when it is done. */
  async order(order: Order): Promise<void> {
    const child = this.#child!;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onMessage = (message: PodMessage): void => {
      if (message.name === 'done') resolve();
    };
    child.on('message', onMessage);
    child.send(order);
    await promise;
    child.off('message', onMessage);
  }

  /** Nothing of it runs any more, and the kernel goes on taking connections: what a process that hangs looks like. */
  hang(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** SIGTERM, or SIGKILL for a node that is gone; resolves when the process has ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    // Not `exit`: what it has told comes before `close`.
    const closed = once(child, 'close');
    child.kill(signal);
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}
