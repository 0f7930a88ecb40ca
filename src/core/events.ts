/** What happens outside any exchange. The middle announces; telemetry, hints and admin listen. */

import type { AccessRecord, Exchange } from './exchange.ts';

/** Every event with its payload. */
export interface GatewayEvents {
  /** An exchange is over; its record is complete. */
  exchange: { exchange: Exchange; record: AccessRecord };
  /** A connection was refused or ended below HTTP; `limit` names the key of the config where one was exceeded. */
  connection_ended: { listener: string; reason: string; limit?: string; peerAddress?: string; code?: string };
  connection_opened: { listener: string; protocol: 'h2' | 'http/1.1'; tlsVersion: string | undefined };
  connection_closed: { listener: string; protocol: 'h2' | 'http/1.1' };
  /** A session to an endpoint was opened or ended. */
  session_opened: { upstream: string; endpoint: string; session: number };
  session_closed: { upstream: string; endpoint: string; session: number; reason: string };
  /** An attempt failed. */
  attempt_failed: { upstream: string; endpoint: string; code: string; replayed: boolean };
  /** An untrusted peer is private or sends forwarding headers: all clients may look like one. Told once per reason. */
  untrusted_proxy: { peerAddress: string; reason: 'private_peer' | 'forwarding_headers'; listener: string };
  /** Something in the deployment does not fit; `key` is the config key to change. */
  hint: { topic: string; host: string; found: string; expected: string; key: string };
  /** A rule refused a request, or would have (`enforced: false`). */
  refused: { policy: string; rule: string; route: string; enforced: boolean };
  /** A request called an RPC inside `zitadel.*` that no service definition has. Callers choose the name: it may be anything. */
  unknown_rpc: { name: string; route: string; refused: boolean };
  /** The server that replicas share their limits on answers again, or does not. */
  shared_tier: { up: boolean; problem?: string };
  /** A list of addresses was read again from its file, or could not be: the one before stays. */
  list_reloaded: { name: string; file: string; size: number };
  list_failed: { name: string; file: string; problem: string };
  reloaded: { generation: number; ms: number };
  reload_failed: { problems: string };
  draining: { signal: string };
}

/** A typed channel; listeners are called in order, at once. */
export class Events {
  readonly #listeners = new Map<keyof GatewayEvents, ((payload: never) => void)[]>();

  on<K extends keyof GatewayEvents>(name: K, listener: (payload: GatewayEvents[K]) => void): void {
    const listeners = this.#listeners.get(name) ?? [];
    listeners.push(listener as (payload: never) => void);
    this.#listeners.set(name, listeners);
  }

  emit<K extends keyof GatewayEvents>(name: K, payload: GatewayEvents[K]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of listeners) (listener as (payload: GatewayEvents[K]) => void)(payload);
  }
}
