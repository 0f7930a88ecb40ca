/**
 * Budgets of connections: what a peer may do on one connection, and what its address may do over all of them. Each is a
 * rate with ten seconds' worth at once; beyond it the connection ends, because a peer that floods is not asked to stop.
 */

import type { SessionEnd } from './session-end.ts';

/** What can be spent on an open connection. */
export type Spending =
  /** A stream that the client reset soon after it had opened it, unanswered: rapid reset, CVE-2023-44487. */
  | 'resets'
  /** A request that was malformed or over a limit, or a connection that broke the protocol. */
  | 'malformed'
  /** Bytes of header as HPACK counts them, uncompressed (RFC 7541 section 4.1). */
  | 'header_bytes';

/** What the connections of one address have in common; made for one connection, disposed of with it. */
export interface AddressAccount extends Disposable {
  /** Takes from a budget of the address; the end of the connection where there is not enough. */
  spend(what: Spending, cost: number): SessionEnd | undefined;
  /** A TLS handshake failed or was not ended in time. */
  handshakeFailed(): void;
  /** A budget of the connection was exceeded: that of this key of the config. */
  exceeded(limit: string): void;
}

/** Budgets by address: IPv4 whole, IPv6 by its network. */
export interface AddressBudgets {
  /**
   * A peer has connected; called when its address is known. Gives why it may not stay, or its account; `exempt` for
   * peers that carry many clients and are trusted.
   */
  open(address: string, listener: { readonly tls: boolean }): AddressAccount | SessionEnd | 'exempt';
}

/** What one connection may do in a second; ten times as much at once; 0 for no limit. */
export type ConnectionRates = Readonly<Record<Spending, number>>;

/** Seconds' worth of a rate that may be used at once. */
export const BURST_S = 10;
/** How long a stream must be open for its reset to cost nothing, in milliseconds: by then `max_concurrent_streams` bounds them. */
export const RAPID_MS = 1000;
/** Header bytes are charged to the address in pieces: a request costs no look into a shared table. */
const PIECE_BYTES = 65_536;

/** Why a connection is ended, in words. */
export const REASONS: Readonly<Record<Spending, string>> = {
  resets: 'streams reset too fast',
  malformed: 'too many malformed requests',
  header_bytes: 'header bytes come too fast',
};

/** A bucket that fills by what is spent and leaks at a steady rate. */
class Bucket {
  readonly #perS: number;
  #level = 0;
  #at = 0;

  constructor(perS: number) {
    this.#perS = perS;
  }

  /** `now` in milliseconds. */
  take(cost: number, now: number): boolean {
    if (this.#perS === 0) return true;
    this.#level = Math.max(0, this.#level - ((now - this.#at) * this.#perS) / 1000) + cost;
    this.#at = now;
    return this.#level <= this.#perS * BURST_S;
  }
}

/** The budget of one connection, and through it that of its address. */
export class ConnectionBudget {
  readonly #buckets: Readonly<Record<Spending, Bucket>>;
  readonly #account: AddressAccount | undefined;
  readonly #now: () => number;
  #uncharged = 0;

  /** `now`: milliseconds, monotonic. */
  constructor(rates: ConnectionRates, account: AddressAccount | undefined, now = () => performance.now()) {
    this.#buckets = {
      resets: new Bucket(rates.resets),
      malformed: new Bucket(rates.malformed),
      header_bytes: new Bucket(rates.header_bytes),
    };
    this.#account = account;
    this.#now = now;
  }

  /** Takes from the budgets; gives why the connection must end, naming the key of the config. */
  spend(what: Spending, cost = 1): SessionEnd | undefined {
    if (!this.#buckets[what].take(cost, this.#now())) {
      const limit = `limits.per_connection.${what}_per_s`;
      this.#account?.exceeded(limit);
      return { reason: REASONS[what], limit };
    }
    if (what !== 'header_bytes') return this.#account?.spend(what, cost);
    this.#uncharged += cost;
    if (this.#uncharged < PIECE_BYTES) return undefined;
    const piece = this.#uncharged;
    this.#uncharged = 0;
    return this.#account?.spend(what, piece);
  }

  /** What every request costs: its header, and more where it is faulty. */
  request({ headerBytes, fault }: { readonly headerBytes: number; readonly fault?: unknown }): SessionEnd | undefined {
    return this.spend('header_bytes', headerBytes) ?? (fault === undefined ? undefined : this.spend('malformed'));
  }

  handshakeFailed(): void {
    this.#account?.handshakeFailed();
  }

  /** The connection is closed. */
  close(): void {
    if (this.#uncharged > 0) this.#account?.spend('header_bytes', this.#uncharged);
    this.#uncharged = 0;
    this.#account?.[Symbol.dispose]();
  }
}
