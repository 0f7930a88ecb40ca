/** What a pod and the one that runs it say to each other. */

/** The field with the id of a request that must not come twice. */
export const ID_FIELD = 'x-chaos-id';

/**
 * How a pod is to fail, or to heal. `errors`: 500 for everything but checks; `reset-half`: every second stream but checks
 * is reset with INTERNAL_ERROR; `unready`: /debug/ready says 412.
 */
export type Order = 'heal' | 'errors' | 'reset-half' | 'unready';

/** What a pod tells. */
export type PodMessage =
  | { readonly name: 'listening'; readonly port: number }
  /** A request with an id has come. */
  | { readonly name: 'arrived'; readonly id: string }
  /** The order is carried out. */
  | { readonly name: 'done' };
