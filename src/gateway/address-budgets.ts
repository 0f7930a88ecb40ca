/**
 * What one address may do over all its connections: rates in a shared table and open connections in shared places, both
 * of fixed size. An address that is over its rate is held in the table, so a flood of others cannot free it.
 */

import { getRandomValues } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { gcra } from '../limits/gcra.ts';
import type { Limiter, Rate } from '../limits/limiter.ts';
import { SharedPlaces } from '../limits/places.ts';
import { SharedTable } from '../limits/shared-table.ts';
import { networkOf } from '../policies/keys/address.ts';
import { type AddressAccount, type AddressBudgets, BURST_S, REASONS, type Spending } from '../transport/budgets.ts';
import { Networks, PRIVATE } from '../transport/client-address.ts';
import type { SessionEnd } from '../transport/engines/engine.ts';

/** Rates that are counted at once, 24 bytes each; those that asked least are forgotten first. */
const SLOTS = 65_536;
/** Bans at once, in a table of their own: whoever has many addresses banned fills no place that others are counted in. */
const BANS = 16_384;
/** Slots for open connections, by how many there may be: keys meet in buckets of eight, and none may be full too soon. */
const PLACES_FOR_EACH = 4;
/** One thread for now: the first. */
const WORKER = 1;

type Budget = Spending | 'connections' | 'failed_handshakes';

const NOT_STAYING: Readonly<Record<'connections' | 'open' | 'failed_handshakes' | 'banned', SessionEnd>> = {
  connections: { reason: 'connections come too fast', limit: 'limits.per_address.connections_per_s' },
  open: { reason: 'too many connections of one address', limit: 'limits.per_address.open_connections' },
  failed_handshakes: {
    reason: 'too many failed TLS handshakes',
    limit: 'limits.per_address.failed_handshakes_per_s',
  },
  banned: { reason: 'banned', limit: 'limits.ban_s' },
};

/** What of the config decides; read anew for every connection, since a reload may change some of it. */
export type AddressConfig = Pick<Config, 'limits' | 'limiter' | 'trusted_proxies'>;

export interface AddressBudgetsOptions {
  config(): AddressConfig;
  readonly clock: Clock;
  /** A budget was exceeded that is only reported, because all clients may share the address; `limit` is its key. */
  onReported(limit: string, address: string): void;
}

/** The budgets of all addresses of a gateway. */
export class SharedAddressBudgets implements AddressBudgets {
  readonly #options: AddressBudgetsOptions;
  readonly #table: SharedTable;
  readonly #limiter: Limiter;
  readonly #places: SharedPlaces;
  readonly #rates: Readonly<Record<Budget, Rate | undefined>>;
  readonly #ban: Rate | undefined;
  readonly #bans: Limiter;
  #proxies: { readonly list: readonly string[]; readonly networks: Networks } | undefined;

  constructor(options: AddressBudgetsOptions) {
    this.#options = options;
    const { limits } = options.config();
    const { per_address: given } = limits;
    this.#table = new SharedTable(SharedTable.allocate(SLOTS, getRandomValues), WORKER);
    this.#limiter = gcra(this.#table);
    this.#bans = gcra(new SharedTable(SharedTable.allocate(limits.ban_s === 0 ? 1 : BANS, getRandomValues), WORKER));
    const places = SharedPlaces.allocate(limits.max_connections * PLACES_FOR_EACH, WORKER, getRandomValues);
    this.#places = new SharedPlaces(places, WORKER);
    this.#rates = {
      connections: rate(given.connections_per_s),
      failed_handshakes: rate(given.failed_handshakes_per_s),
      resets: rate(given.resets_per_s),
      malformed: rate(given.malformed_per_s),
      header_bytes: rate(given.header_bytes_per_s),
    };
    this.#ban = limits.ban_s === 0 ? undefined : { requests: 1, periodMs: limits.ban_s * 1000, burst: 1 };
  }

  /** How full the table of rates is. */
  get occupancy(): { readonly used: number; readonly capacity: number; readonly overflows: number } {
    const { used, capacity, overflows } = this.#table;
    return { used, capacity, overflows };
  }

  open(address: string, { tls }: { readonly tls: boolean }): AddressAccount | SessionEnd | 'exempt' {
    const { limiter, limits } = this.#options.config();
    if (this.#trusted().has(address)) return 'exempt';
    const enforced = !this.#mayBeProxy(address);
    const key = address.includes(':') ? networkOf(address, limiter.ipv6_prefix_length) : address;
    if (enforced && this.#banned(key)) return NOT_STAYING.banned;
    const refused = this.#refused(key, tls);
    if (refused !== undefined) {
      if (!enforced) this.#options.onReported(refused.limit!, address);
      else {
        this.#banNow(key);
        return refused;
      }
    }
    const most = limits.per_address.open_connections;
    const place = most === 0 ? undefined : this.#places.take(key, most);
    if (most !== 0 && place === undefined) {
      if (enforced) {
        this.#banNow(key);
        return NOT_STAYING.open;
      }
      this.#options.onReported(NOT_STAYING.open.limit!, address);
    }
    return new Account(this, address, key, enforced, place);
  }

  /** Takes from a budget; of `Account` only. */
  spend(address: string, key: string, enforced: boolean, what: Budget, cost: number): SessionEnd | undefined {
    if (this.#take(what, key, cost)) return undefined;
    const limit = `limits.per_address.${what}_per_s`;
    if (!enforced) {
      this.#options.onReported(limit, address);
      return undefined;
    }
    this.#banNow(key);
    return what === 'failed_handshakes' ? NOT_STAYING[what] : { reason: REASONS[what as Spending], limit };
  }

  /** Bans an address for `ban_s`, where that is configured; of `Account` only. */
  ban(key: string, enforced: boolean): void {
    if (enforced) this.#banNow(key);
  }

  /** Whether a new connection is one too many by its rate, or comes after too many failed handshakes. */
  #refused(key: string, tls: boolean): SessionEnd | undefined {
    const { failed_handshakes } = this.#rates;
    if (tls && failed_handshakes !== undefined) {
      const { allowed } = this.#limiter.peek(`failed_handshakes\0${key}`, failed_handshakes, 1, this.#now());
      if (!allowed) return NOT_STAYING.failed_handshakes;
    }
    return this.#take('connections', key, 1) ? undefined : NOT_STAYING.connections;
  }

  #take(what: Budget, key: string, cost: number): boolean {
    const given = this.#rates[what];
    return given === undefined || this.#limiter.take(`${what}\0${key}`, given, cost, this.#now()).allowed;
  }

  #banned(key: string): boolean {
    return this.#ban !== undefined && !this.#bans.peek(key, this.#ban, 1, this.#now()).allowed;
  }

  /** The second time is refused, and what is refused is held in the table until it may be had again. */
  #banNow(key: string): void {
    if (this.#ban === undefined) return;
    this.#bans.take(key, this.#ban, 1, this.#now());
    this.#bans.take(key, this.#ban, 1, this.#now());
  }

  #trusted(): Networks {
    const list = this.#options.config().trusted_proxies;
    if (this.#proxies?.list !== list) this.#proxies = { list, networks: new Networks(list) };
    return this.#proxies.networks;
  }

  /** Whether a private peer may be a load balancer that nobody listed, and all clients come from it. */
  #mayBeProxy(address: string): boolean {
    const { limiter, trusted_proxies } = this.#options.config();
    return trusted_proxies.length === 0 && limiter.untrusted_private_peers === 'shadow' && PRIVATE.has(address);
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

function rate(perS: number): Rate | undefined {
  return perS === 0 ? undefined : { requests: perS, periodMs: 1000, burst: perS * BURST_S };
}

/** What one connection spends of its address. */
class Account implements AddressAccount {
  readonly #budgets: SharedAddressBudgets;
  readonly #address: string;
  readonly #key: string;
  readonly #enforced: boolean;
  readonly #place: Disposable | undefined;

  constructor(
    budgets: SharedAddressBudgets,
    address: string,
    key: string,
    enforced: boolean,
    place: Disposable | undefined,
  ) {
    this.#budgets = budgets;
    this.#address = address;
    this.#key = key;
    this.#enforced = enforced;
    this.#place = place;
  }

  spend(what: Spending, cost: number): SessionEnd | undefined {
    return this.#budgets.spend(this.#address, this.#key, this.#enforced, what, cost);
  }

  handshakeFailed(): void {
    this.#budgets.spend(this.#address, this.#key, this.#enforced, 'failed_handshakes', 1);
  }

  exceeded(): void {
    this.#budgets.ban(this.#key, this.#enforced);
  }

  [Symbol.dispose](): void {
    this.#place?.[Symbol.dispose]();
  }
}
