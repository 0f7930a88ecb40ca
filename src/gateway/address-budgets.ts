/**
 * What one address may do over all its connections: rates in a shared table and open connections in shared places, both
 * of fixed size. An address that is over its rate is held in the table, so a flood of others cannot free it.
 */

import { getRandomValues } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { Networks } from '../core/networks.ts';
import { type BanEntry, Bans, type ListedBan } from '../limits/bans.ts';
import { gcra } from '../limits/gcra.ts';
import type { Limiter, Rate } from '../limits/limiter.ts';
import { SharedPlaces } from '../limits/places.ts';
import { SharedTable } from '../limits/shared-table.ts';
import type { Ban } from '../limits/tier.ts';
import { networkOf } from '../policies/keys/address.ts';
import { type AddressAccount, type AddressBudgets, BURST_S, REASONS, type Spending } from '../transport/budgets.ts';
import { PRIVATE } from '../transport/client-address.ts';
import type { SessionEnd } from '../transport/session-end.ts';
import { type AddressMemory, ALONE, type Thread } from './thread.ts';

/** Rates that are counted at once, 24 bytes each; those that asked least are forgotten first. */
const SLOTS = 65_536;
/**
 * Bans and how many there were in a row, in a table of their own: whoever has many addresses banned fills no place that
 * others are counted in.
 */
const BAN_SLOTS = 32_768;
/** The longest ban that repetition makes of a shorter one, in milliseconds. */
const LONGEST_BAN_MS = 3_600_000;
/** Slots for open connections, by how many there may be: keys meet in buckets of eight, and none may be full too soon. */
const PLACES_FOR_EACH = 4;

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

/** What the budgets are made with. */
export interface AddressBudgetsOptions {
  config(): AddressConfig;
  readonly clock: Clock;
  /** A budget was exceeded that is only reported, because all clients may share the address; `limit` is its key. */
  onReported(limit: string, address: string): void;
  /** This thread among others; alone where it is not given. */
  readonly thread?: Thread;
  /** What another thread has allocated; its own where it is not given. */
  readonly memory?: AddressMemory;
}

/** The budgets of all addresses of a gateway. */
export class SharedAddressBudgets implements AddressBudgets {
  readonly #options: AddressBudgetsOptions;
  readonly #table: SharedTable;
  readonly #limiter: Limiter;
  readonly #places: SharedPlaces;
  readonly #banned: SharedTable;
  #made: Allowed | undefined;
  readonly #bans: Bans;
  #proxies: { readonly list: readonly string[]; readonly networks: Networks } | undefined;

  constructor(options: AddressBudgetsOptions) {
    this.#options = options;
    const { limits } = options.config();
    const { number, count, onAddressBan } = options.thread ?? ALONE;
    const memory = options.memory ?? allocate(limits, count);
    this.#table = new SharedTable(memory.rates, number);
    this.#limiter = gcra(this.#table);
    this.#banned = new SharedTable(memory.bans, number);
    this.#bans = new Bans(gcra(this.#banned), this.#banned, options.clock, onAddressBan);
    this.#places = new SharedPlaces(memory.places, number);
  }

  /** Where all this is counted, for other threads. */
  get memory(): AddressMemory {
    return { rates: this.#table.memory, bans: this.#banned.memory, places: this.#places.memory };
  }

  /** A thread is gone: frees what it has locked, and gives back the places of its connections. */
  releaseThread(gone: number): void {
    this.#table.releaseOwner(gone);
    this.#banned.releaseOwner(gone);
    this.#places.zeroWorker(gone);
  }

  /** Another thread banned an address: it is listed and lifted here too. */
  noteBan(ban: ListedBan): void {
    this.#bans.note(ban);
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
    if (enforced && this.#isBanned(key)) return NOT_STAYING.banned;
    const refused = this.#refused(key, tls);
    if (refused !== undefined) {
      if (!enforced) this.#options.onReported(refused.limit!, address);
      else {
        this.ban(key, refused.limit!, true);
        return refused;
      }
    }
    const most = limits.per_address.open_connections;
    const place = most === 0 ? undefined : this.#places.take(key, most);
    if (most !== 0 && place === undefined) {
      if (enforced) {
        this.ban(key, NOT_STAYING.open.limit!, true);
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
    this.ban(key, limit, true);
    return what === 'failed_handshakes' ? NOT_STAYING[what] : { reason: REASONS[what as Spending], limit };
  }

  /** Bans an address that was over `limit`, where bans are configured; of `Account` only. */
  ban(key: string, limit: string, enforced: boolean): void {
    const { ban } = this.#allowed();
    if (ban === undefined || !enforced) return;
    const rate = { requests: 1, periodMs: ban.forMs, burst: 1 };
    const charged = { rule: limit, bucket: BUCKET, rate, cost: 1, ban };
    this.#bans.refused({ limit: charged, key: banKey(key), enforce: true }, this.#now());
  }

  /** The addresses that are banned, longest first. */
  bans(): readonly BanEntry[] {
    return this.#bans.list(this.#now());
  }

  /** Lifts a ban by its id; false where there is none. */
  liftBan(id: string): boolean {
    return this.#bans.lift(id);
  }

  /** Whether a new connection is one too many by its rate, or comes after too many failed handshakes. */
  #refused(key: string, tls: boolean): SessionEnd | undefined {
    const { failed_handshakes } = this.#allowed().rates;
    if (tls && failed_handshakes !== undefined) {
      const { allowed } = this.#limiter.peek(`failed_handshakes\0${key}`, failed_handshakes, 1, this.#now());
      if (!allowed) return NOT_STAYING.failed_handshakes;
    }
    return this.#take('connections', key, 1) ? undefined : NOT_STAYING.connections;
  }

  #take(what: Budget, key: string, cost: number): boolean {
    const given = this.#allowed().rates[what];
    return given === undefined || this.#limiter.take(`${what}\0${key}`, given, cost, this.#now()).allowed;
  }

  #isBanned(key: string): boolean {
    return this.#allowed().ban !== undefined && this.#bans.bannedFor(banKey(key), this.#now()) > 0;
  }

  /** Made anew when a reload has put other limits in force; what was counted stays. */
  #allowed(): Allowed {
    const { limits } = this.#options.config();
    if (this.#made?.of !== limits) this.#made = allowedBy(limits);
    return this.#made;
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

/** What `limits` allow. */
interface Allowed {
  readonly of: AddressConfig['limits'];
  readonly rates: Readonly<Record<Budget, Rate | undefined>>;
  readonly ban: Ban | undefined;
}

function allowedBy(of: AddressConfig['limits']): Allowed {
  const { per_address: given, ban_s } = of;
  const forMs = ban_s * 1000;
  return {
    of,
    rates: {
      connections: rate(given.connections_per_s),
      failed_handshakes: rate(given.failed_handshakes_per_s),
      resets: rate(given.resets_per_s),
      malformed: rate(given.malformed_per_s),
      header_bytes: rate(given.header_bytes_per_s),
    },
    ban: forMs === 0 ? undefined : { after: 1, withinMs: 1000, forMs, maxMs: Math.max(forMs, LONGEST_BAN_MS) },
  };
}

function allocate(limits: AddressConfig['limits'], threads: number): AddressMemory {
  return {
    rates: SharedTable.allocate(SLOTS, getRandomValues),
    bans: SharedTable.allocate(BAN_SLOTS, getRandomValues),
    places: SharedPlaces.allocate(limits.max_connections * PLACES_FOR_EACH, threads, getRandomValues),
  };
}

/** What bans of addresses are filed under: one for all budgets, in the form of a rule's bucket. */
const BUCKET = 'limits\0ban_s';

function banKey(key: string): string {
  return `${BUCKET}\0${key}`;
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

  exceeded(limit: string): void {
    this.#budgets.ban(this.#key, limit, this.#enforced);
  }

  [Symbol.dispose](): void {
    this.#place?.[Symbol.dispose]();
  }
}
