import type { MakerAnswer, MakerOrder } from './remote-maker.ts';
import type { Variants } from './variants.ts';

/** Takes the orders of one other thread to the maker of this one. */
export class MakerDesk {
  readonly #maker: () => Variants;
  readonly #send: (answer: MakerAnswer) => void;
  readonly #orders = new Map<number, { left: number; cancel(): void }>();

  /** `maker`: the one that is in use when an order comes. */
  constructor(maker: () => Variants, send: (answer: MakerAnswer) => void) {
    this.#maker = maker;
    this.#send = send;
  }

  take(order: MakerOrder): void {
    const { id } = order;
    if (order.kind === 'cancel') {
      this.#orders.get(id)?.cancel();
      this.#orders.delete(id);
      return;
    }
    const queued = this.#maker().make(order, order.codings, (coding, coded) => {
      const mine = this.#orders.get(id);
      if (mine === undefined) return;
      mine.left -= 1;
      if (mine.left === 0) this.#orders.delete(id);
      this.#send({ kind: 'coded', id, coding, coded });
    });
    if (queued === undefined) this.#send({ kind: 'full', id });
    else this.#orders.set(id, { left: order.codings.length, cancel: queued.cancel });
  }

  /** The other thread is gone: what only it wanted is not made. */
  close(): void {
    for (const { cancel } of this.#orders.values()) cancel();
    this.#orders.clear();
  }
}
