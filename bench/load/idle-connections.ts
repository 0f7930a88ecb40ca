/** Connections that were used once and are held: what most of a gateway's connections are most of the time. */

import { Call } from './call.ts';
import { type Connection, openConnection } from './connection.ts';
import type { Plan } from './plan.ts';

/** So many are opened at once. */
const AT_ONCE = 16;

/** A number of them; disposed, they are closed. */
export class IdleConnections implements Disposable {
  readonly #plan: Plan;
  readonly #connections: Connection[] = [];

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  get count(): number {
    return this.#connections.length;
  }

  /** Opens all. Rejects where one cannot be opened, or gives no answer. */
  async open(): Promise<void> {
    let left = this.#plan.lines.idle;
    const one = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.#openOne();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  }

  async #openOne(): Promise<void> {
    const { target, timeoutMs, requests } = this.#plan;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { connection } = await openConnection(
      { target, streams: 1, session: undefined, timeoutMs, onSession: undefined },
      {
        answered: () => resolve(),
        failed: (_call, why) => reject(new Error(`idle connection: ${why}`)),
        changed() {},
      },
    );
    this.#connections.push(connection);
    connection.send(new Call(requests[0]!, performance.now(), 'idle'));
    await promise;
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.close();
  }
}
