/** What the variant maker and its thread say to each other. */

import type { CodingName } from '../coding.ts';

/** One job for the thread. */
export interface VariantOrder {
  readonly coding: CodingName;
  /** Given away with the message, or in shared memory: never changed by the thread. */
  readonly body: Uint8Array;
}

/** The thread's answer to an order, one for each, in the order of the orders. */
export type VariantAnswer =
  /** The coded body; undefined where it is hardly smaller than the body. */
  { readonly coded: Uint8Array | undefined } | { readonly error: string };
