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
  /** A check of an endpoint is over; `found` is what it found, for people. */
  endpoint_checked: { upstream: string; endpoint: string; result: 'passed' | 'failed' | 'timeout'; found: string };
  /** An endpoint is in another state: by its checks, or because its ejection is over (`returned`). */
  endpoint_health: {
    upstream: string;
    endpoint: string;
    state: 'healthy' | 'unhealthy' | 'returned';
    reason: string | undefined;
  };
  /** An endpoint gets no requests for `ms`, because of what it did to some. */
  endpoint_ejected: {
    upstream: string;
    endpoint: string;
    reason: 'consecutive_failures' | 'success_rate';
    detail: string;
    ms: number;
  };
  /** So few endpoints of an upstream are usable that all are used, or it is over. */
  panic: { upstream: string; on: boolean; usable: number; total: number };
  /** A request is sent again, and why. */
  retried: { upstream: string; reason: string };
  /** It would have been, but the upstream's retry budget is used up. */
  retry_denied: { upstream: string };
  /** An untrusted peer is private or sends forwarding headers: all clients may look like one. Told once per reason. */
  untrusted_proxy: { peerAddress: string; reason: 'private_peer' | 'forwarding_headers'; listener: string };
  /** Something in the deployment does not fit; `key` is the config key to change. */
  hint: { topic: string; host: string; found: string; expected: string; key: string };
  /** A rule refused a request, or would have (`enforced: false`). */
  refused: { policy: string; rule: string; route: string; enforced: boolean };
  /**
   * A request was refused for lack of room, or would have been (`enforced: false`): `by` what, and `where`: the upstream,
   * or empty for the gateway itself.
   */
  overloaded: {
    by: 'upstream' | 'event_loop' | 'memory';
    where: string;
    class: string;
    priority: string;
    enforced: boolean;
  };
  /** The event loop of a thread is so late that it refuses requests, or is not any more. */
  loop_pressure: { on: boolean; delayMs: number };
  /** The memory of the process gets tight, or is not any more. */
  memory_pressure: { on: boolean; percent: number; of: 'heap' | 'container' };
  /** A request called an RPC inside `zitadel.*` that no service definition has. Callers choose the name: it may be anything. */
  unknown_rpc: { name: string; route: string; refused: boolean };
  /** The server that replicas share their limits on answers again, or does not. */
  shared_tier: { up: boolean; problem?: string };
  /** A list of addresses was read again from its file, or could not be: the one before stays. */
  list_reloaded: { name: string; file: string; size: number };
  list_failed: { name: string; file: string; problem: string };
  /** An upstream has other endpoints than before; `leftOut`: so many more were found than may be used. */
  endpoints_changed: {
    upstream: string;
    source: string;
    added: readonly string[];
    removed: readonly string[];
    endpoints: number;
    leftOut: number;
  };
  /** The endpoints of an upstream could not be looked up, or a part of them: the `kept` that were known stay in use. */
  discovery_failed: { upstream: string; source: string; problem: string; kept: number };
  /** They could be again. */
  discovery_recovered: { upstream: string; source: string; endpoints: number };
  /** Files of a listener's TLS were read again, and are in use; `vanished` are names that were served before and are not now. */
  certificates_loaded: {
    listener: string;
    certificates: readonly {
      readonly file: string;
      readonly names: readonly string[];
      readonly until: string;
      readonly warnings: readonly string[];
    }[];
    vanished: readonly string[];
  };
  /** They cannot be used: the ones before stay in use. */
  certificates_refused: { listener: string; problem: string };
  /** A certificate ends soon, or has ended. */
  certificate_ending: {
    listener: string;
    file: string;
    names: readonly string[];
    until: string;
    leftDays: number;
    ended: boolean;
  };
  /** A certificate was ordered by ACME, and is stored. */
  acme_issued: { names: readonly string[]; file: string; until: string };
  /** It could not be ordered, or not be looked at; tried again after so many milliseconds. */
  acme_failed: { names: readonly string[]; problem: string; retryInMs: number };
  /** A challenge of a certificate authority was answered. */
  acme_challenge: { listener: string };
  /** TLS tickets are encrypted with another key. */
  ticket_key_rotated: Record<never, never>;
  /** The file of the secret for ticket keys cannot be used: the secret before stays in use. */
  ticket_keys_refused: { file: string; problem: string };
  /** A stored body could not be coded; it goes out as it is, or coded while it passes. */
  variant_failed: { coding: string; digest: string; reason: string };
  /** The directory of the cache can be used again, or cannot: the cache goes on in memory. */
  cache_disk: { up: boolean; directory: string; problem?: string };
  /** The page of a host, and what it loads, were fetched at the start; `stored` 0 where the page was not to be had. */
  cache_warmed: { route: string; host: string; stored: number };
  /** A worker has ended or cannot begin; it is begun again after so many milliseconds. */
  worker_lost: { worker: number; problem: string; restartInMs: number };
  /** The event loop of a worker stands still: it is made to end; `worker_lost` follows. */
  worker_hung: { worker: number };
  /** A worker is there again. */
  worker_started: { worker: number; restarts: number };
  reloaded: { generation: number; ms: number };
  reload_failed: { problems: string };
  /** Readiness is off: a signal, or an operator's `drain`. */
  draining: { signal: string };
  /** It is on again, by an operator. */
  drain_ended: Record<never, never>;
}

/** A typed channel; listeners are called in order, at once. */
export class Events {
  readonly #listeners = new Map<keyof GatewayEvents, ((payload: never) => void)[]>();
  readonly #all: ((name: keyof GatewayEvents, payload: GatewayEvents[keyof GatewayEvents]) => void)[] = [];

  on<K extends keyof GatewayEvents>(name: K, listener: (payload: GatewayEvents[K]) => void): void {
    const listeners = this.#listeners.get(name) ?? [];
    listeners.push(listener as (payload: never) => void);
    this.#listeners.set(name, listeners);
  }

  /** Hears everything, after those who listen to one event. */
  onAny(listener: (name: keyof GatewayEvents, payload: GatewayEvents[keyof GatewayEvents]) => void): void {
    this.#all.push(listener);
  }

  emit<K extends keyof GatewayEvents>(name: K, payload: GatewayEvents[K]): void {
    const listeners = this.#listeners.get(name);
    if (listeners !== undefined) {
      for (const listener of listeners) (listener as (payload: GatewayEvents[K]) => void)(payload);
    }
    for (const listener of this.#all) listener(name, payload);
  }
}
