/** Who the client is: the socket's other end, or what trusted proxies say of it. */

import { BlockList, isIP, SocketAddress } from 'node:net';
import { GatewayError } from '../core/errors.ts';
import type { ClientAddress } from '../core/exchange.ts';
import { getField, listMembers } from '../core/headers.ts';
import type { Connection, Fields } from '../core/raw.ts';

/** Folds IPv4-mapped IPv6 and drops a zone; gives IPv6 in its canonical form. Undefined for what is no address. */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family === 0) return undefined;
  const zone = text.indexOf('%');
  const bare = zone === -1 ? text : text.slice(0, zone);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped) return mapped[1];
  const canonical = new SocketAddress({ address: bare, family: 'ipv6' }).address;
  const folded = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(canonical);
  return folded ? folded[1] : canonical;
}

/** A set of CIDRs and addresses. */
export class Networks {
  /** One for each family: a BlockList of Node 26.10 finds IPv4 in `::/0` too, by its IPv4-mapped form. */
  readonly #ipv4 = new BlockList();
  readonly #ipv6 = new BlockList();
  readonly size: number;

  constructor(cidrs: readonly string[]) {
    this.size = cidrs.length;
    for (const cidr of cidrs) {
      const [base, prefix] = cidr.split('/');
      const address = canonicalAddress(base!)!;
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      const list = family === 'ipv6' ? this.#ipv6 : this.#ipv4;
      if (prefix === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(prefix), family);
    }
  }

  /** Whether an address in canonical form is in one of the networks. */
  has(address: string): boolean {
    if (this.size === 0) return false;
    return isIP(address) === 6 ? this.#ipv6.check(address, 'ipv6') : this.#ipv4.check(address, 'ipv4');
  }
}

/** Private, link-local, CGNAT and unique local networks: a peer there is rarely the client itself. */
const PRIVATE = new Networks([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
  'fe80::/10',
]);

/** What a listener believes of its peers. */
export interface ListenerTrust {
  readonly internal: boolean;
  readonly externalScheme: 'http' | 'https';
}

/** Why a peer looks like a proxy that nobody listed. */
export type UntrustedReason = 'private_peer' | 'forwarding_headers';

export interface ClientAddressOptions {
  readonly trustedProxies: readonly string[];
  readonly listeners: ReadonlyMap<string, ListenerTrust>;
  /** Called once per listener and reason. */
  onUntrusted(connection: Connection, reason: UntrustedReason): void;
}

/** A hop as proxies write it: an address, or what RFC 7239 section 6 lets them say instead of one. */
const HIDDEN = 'hidden';

/** `address` or `address:port`, with IPv6 in brackets when a port follows; RFC 7239 section 6 and common practice. */
function hop(text: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text);
  if (bracketed) return isIP(bracketed[1]!) === 6 ? canonicalAddress(bracketed[1]!) : undefined;
  if (/^(?:unknown|_[\w.-]+)(?::[\w.-]+)?$/i.test(text)) return HIDDEN;
  const withPort = /^([\d.]+):\d{1,5}$/.exec(text);
  return canonicalAddress(withPort ? withPort[1]! : text);
}

/** Makes the function that tells who the client of a request is. */
export function clientAddresses(options: ClientAddressOptions): (c: Connection, fields: Fields) => ClientAddress {
  const proxies = new Networks(options.trustedProxies);
  const trustedPeers = new WeakMap<Connection, boolean>();
  const told = new Set<string>();
  /** Listeners to which a public peer has come without forwarding headers. */
  const direct = new Set<string>();

  function tell(connection: Connection, reason: UntrustedReason): void {
    const key = `${connection.listener} ${reason}`;
    if (told.has(key)) return;
    told.add(key);
    options.onUntrusted(connection, reason);
  }

  /**
   * Whether an unlisted peer may be a proxy. A private one may always; a public one that sends forwarding headers may be a
   * load balancer that nobody listed, but only while no public peer has come to the listener without them, and nobody is
   * listed: else any client could say of itself that it is a proxy, and have the limits by its address only report.
   */
  function mayBeProxy({ peerAddress, listener }: Connection, forwards: boolean): boolean {
    if (PRIVATE.has(peerAddress)) return true;
    if (!forwards) direct.add(listener);
    return forwards && proxies.size === 0 && !direct.has(listener);
  }

  return function clientAddress(connection, fields) {
    const trust = options.listeners.get(connection.listener)!;
    let trustedPeer = trustedPeers.get(connection);
    if (trustedPeer === undefined) {
      trustedPeer = trust.internal || proxies.has(connection.peerAddress);
      trustedPeers.set(connection, trustedPeer);
      if (!trustedPeer && PRIVATE.has(connection.peerAddress)) tell(connection, 'private_peer');
    }
    const forwardedFor = collect(fields, 'x-forwarded-for');
    if (!trustedPeer) {
      const forwards = forwardedFor !== undefined || getField(fields, 'forwarded') !== undefined;
      if (forwards) tell(connection, 'forwarding_headers');
      return {
        address: connection.peerAddress,
        trustedPeer: false,
        mayBeProxy: mayBeProxy(connection, forwards),
        internal: false,
        scheme: trust.externalScheme,
      };
    }
    const forwarded = forwardedFor === undefined || protos(fields) === undefined ? parseForwarded(fields) : undefined;
    const hops = forwardedFor === undefined ? forwarded?.for : listMembers(forwardedFor);
    const client = walk(connection.peerAddress, hops, proxies);
    return {
      address: client.address,
      trustedPeer: true,
      mayBeProxy: false,
      internal: trust.internal && client.address === connection.peerAddress,
      scheme: forwardedScheme(protos(fields) ?? forwarded?.proto, client.fromRight) ?? trust.externalScheme,
    };
  };
}

/** All values of a list field in one, as RFC 9110 section 5.3 joins them. */
function collect(fields: Fields, name: string): string | undefined {
  let joined: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === name) joined = joined === undefined ? fields[i + 1]! : `${joined},${fields[i + 1]!}`;
  }
  return joined;
}

/** The members of X-Forwarded-Proto, where there are any. */
function protos(fields: Fields): string[] | undefined {
  const value = collect(fields, 'x-forwarded-proto');
  return value === undefined ? undefined : listMembers(value);
}

/** A client as the walk found it; `fromRight` counts hops from the right, 0 for the one that our peer names. */
interface Found {
  readonly address: string;
  readonly fromRight: number;
}

/** From the right: the first hop that is no trusted proxy is the client; where all are trusted, the leftmost. */
function walk(peer: string, hops: readonly string[] | undefined, proxies: Networks): Found {
  let found: Found = { address: peer, fromRight: 0 };
  if (hops === undefined) return found;
  for (let i = hops.length - 1; i >= 0; i -= 1) {
    const address = hop(hops[i]!);
    if (address === undefined) throw new GatewayError('BAD_FORWARDED', { detail: `not an address in hop ${i + 1}` });
    if (address === HIDDEN) break; // nobody further left can be known either
    found = { address, fromRight: hops.length - 1 - i };
    if (!proxies.has(address)) break;
  }
  return found;
}

/** One `name=value` of Forwarded with what ends it; values are tokens or quoted strings, RFC 7239 section 4. */
const PAIR = /[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^",; \t]*))[ \t]*(;|,|$)/y;

/** `for` and `proto` of every element of Forwarded, in order; throws where it does not parse. */
function parseForwarded(fields: Fields): { for: string[] | undefined; proto: string[] | undefined } | undefined {
  const text = collect(fields, 'forwarded');
  if (text === undefined) return undefined;
  const out: { for: string[] | undefined; proto: string[] | undefined } = { for: undefined, proto: undefined };
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < text.length) {
    const match = PAIR.exec(text);
    if (match === null) throw new GatewayError('BAD_FORWARDED', { detail: 'Forwarded does not parse' });
    const name = match[1]!.toLowerCase();
    if (name !== 'for' && name !== 'proto') continue;
    out[name] ??= [];
    out[name].push(match[2]?.replace(/\\(.)/g, '$1') ?? match[3]!);
  }
  return out;
}

/** The scheme at the client's hop, or the only one that is named; others than http and https are no answer. */
function forwardedScheme(list: readonly string[] | undefined, fromRight: number): 'http' | 'https' | undefined {
  const named = list?.[Math.max(0, list.length - 1 - fromRight)]?.toLowerCase();
  return named === 'http' || named === 'https' ? named : undefined;
}
