/** What the tests of pools have in common: settings, an observer that remembers, a request, a receiver. */

import type { Address, OpenRequest, PoolObserver, PoolSettings } from '../../src/upstream/pool.ts';
import { Told } from '../contracts/told.ts';
import { Lookout } from '../support/lookout.ts';

/** Settings of a pool; times are small. */
export function poolSettings(given: Partial<PoolSettings> = {}): PoolSettings {
  return {
    protocol: 'h2c',
    http2Engine: 'node',
    connectTimeoutMs: 2000,
    pingIntervalMs: 60_000,
    pingTimeoutMs: 60_000,
    idleSessionMs: 60_000,
    maxSessions: 8,
    maxStreamsPerSession: 100,
    maxStreams: 0,
    maxPending: 1024,
    pendingTimeoutMs: 2000,
    maxAnswerHeaderBytes: 65_536,
    streamWindowBytes: 1_048_576,
    sessionWindowBytes: 4_194_304,
    maxIdleConnections: 8,
    tls: { insecureSkipVerify: false },
    ...given,
  };
}

/** Remembers what happened to sessions. */
export class Observed implements PoolObserver {
  opened: number[] = [];
  closed: { session: number; reason: string }[] = [];
  readonly #lookout = new Lookout();
  sessionOpened(session: number): void {
    this.opened.push(session);
    this.#lookout.look();
  }
  sessionClosed(session: number, reason: string): void {
    this.closed.push({ session, reason });
    this.#lookout.look();
  }
  until(holds: () => boolean): Promise<void> {
    return this.#lookout.until(holds);
  }
}

/** A request without a body, and the receiver that is told of its answer. */
export function request(given: Partial<OpenRequest> = {}): OpenRequest & { readonly receiver: Told } {
  return {
    method: 'GET',
    path: '/',
    authority: 'localhost',
    scheme: 'http',
    fields: [],
    ended: true,
    wanted: () => true,
    receiver: new Told(),
    ...given,
  } as OpenRequest & { readonly receiver: Told };
}

/** `host:port` as an address. */
export function addressOf(text: string): Address {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
}
