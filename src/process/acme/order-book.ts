/** When orders were made of one account: no more a day than are allowed, also over restarts, and none while the authority asks to wait. */

import { join } from 'node:path';
import { readSecret, writeSecret } from './files.ts';

const DAY_MS = 86_400_000;
/** As many as the config can allow. */
const MAX_ORDERS = 100;

interface Written {
  /** Times in milliseconds since the epoch, oldest first. */
  readonly orders: readonly number[];
  /** None before this time. */
  readonly notBefore: number;
}

/** The orders of one account, in a file of its folder. */
export class OrderBook {
  readonly #file: string;

  constructor(folder: string) {
    this.#file = join(folder, 'orders.json');
  }

  /** From when on another order is allowed, in milliseconds since the epoch; `now` or before where it is now. */
  async allowedAt(now: number, perDay: number): Promise<number> {
    const { orders, notBefore } = await this.#read(now);
    const oldest = orders.length < perDay ? undefined : orders.at(-perDay);
    return Math.max(oldest === undefined ? 0 : oldest + DAY_MS, notBefore);
  }

  /** One is made now. */
  async note(now: number): Promise<void> {
    const { orders, notBefore } = await this.#read(now);
    await this.#write({ orders: [...orders, now].slice(-MAX_ORDERS), notBefore });
  }

  /** The authority wants none before this time. */
  async hold(now: number, notBefore: number): Promise<void> {
    const { orders } = await this.#read(now);
    await this.#write({ orders, notBefore });
  }

  async #read(now: number): Promise<Written> {
    let found: Partial<Record<keyof Written, unknown>> = {};
    try {
      found = Object(JSON.parse((await readSecret(this.#file)) ?? '{}'));
    } catch {
      // Somebody has written into it: it begins anew.
    }
    const { orders, notBefore } = found;
    const recent = (time: unknown): time is number => typeof time === 'number' && time > now - DAY_MS && time <= now;
    return {
      orders: Array.isArray(orders) ? orders.filter(recent) : [],
      // A clock that was wrong once must not hold it up for years.
      notBefore: typeof notBefore === 'number' && notBefore < now + 2 * DAY_MS ? notBefore : 0,
    };
  }

  #write(written: Written): Promise<void> {
    return writeSecret(this.#file, `${JSON.stringify(written)}\n`);
  }
}
