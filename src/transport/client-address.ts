/** Who the client is: the socket's other end, or what trusted proxies say of it. */

import { isIP } from 'node:net';
import { canonicalAddress } from '../core/address.ts';
import { GatewayError } from '../core/errors.ts';
import type { ClientAddress } from '../core/exchange.ts';
import { joinedField } from '../core/headers.ts';
import { Networks } from '../core/networks.ts';
import type { Connection, Fields } from '../core/raw.ts';
import { ListFromRight } from './list-from-right.ts';

/** Private, link-local, CGNAT and unique local networks: a peer there is rarely the client itself. */
export const PRIVATE = new Networks([
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

/** Where trusted peers say who the client is; `header` with `from: header`, in lower case. */
export interface ClientAddressSource {
  readonly from: 'x-forwarded-for' | 'forwarded' | 'header';
  readonly header?: string | undefined;
}

/** Whom to believe about clients. */
export interface ClientAddressOptions {
  readonly trustedProxies: readonly string[];
  readonly source: ClientAddressSource;
  readonly listeners: ReadonlyMap<string, ListenerTrust>;
  /** Called once per listener and reason. */
  onUntrusted(connection: Connection, reason: UntrustedReason): void;
}

/** A hop as proxies write it: an address, or what RFC 7239 section 6 lets them say instead of one. */
const HIDDEN = 'hidden';

/** `address` or `address:port`, with IPv6 in brackets when a port follows; RFC 7239 section 6 and common practice. */
function hop(text: string): string | undefined {
  // Nearly all are: what follows takes longer, and holds for nothing that is an address as it stands.
  const bare = canonicalAddress(text);
  if (bare !== undefined) return bare;
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text);
  if (bracketed) return isIP(bracketed[1]!) === 6 ? canonicalAddress(bracketed[1]!) : undefined;
  if (/^(?:unknown|_[\w.-]+)(?::[\w.-]+)?$/i.test(text)) return HIDDEN;
  const withPort = /^([\d.]+):\d{1,5}$/.exec(text);
  return withPort ? canonicalAddress(withPort[1]!) : undefined;
}

/** Makes the function that tells who the client of a request is; it throws BAD_FORWARDED. */
export function clientAddresses(options: ClientAddressOptions): (c: Connection, fields: Fields) => ClientAddress {
  const proxies = new Networks(options.trustedProxies);
  const read = READERS[options.source.from];
  const header = options.source.header ?? '';
  const signs = new Set(['x-forwarded-for', 'forwarded', ...(header === '' ? [] : [header])]);
  const trustedPeers = new WeakMap<Connection, boolean>();
  const privatePeers = new WeakMap<Connection, boolean>();
  const told = new Set<string>();
  /** Listeners to which a public peer has come without forwarding headers. */
  const direct = new Set<string>();

  function tell(connection: Connection, reason: UntrustedReason): void {
    const key = `${connection.listener} ${reason}`;
    if (told.has(key)) return;
    told.add(key);
    options.onUntrusted(connection, reason);
  }

  /** Whether what a peer says of others is believed. A load balancer's word for nobody makes nobody trusted. */
  function trusts(connection: Connection, internal: boolean): boolean {
    const known = trustedPeers.get(connection);
    if (known !== undefined) return known;
    const { peerAddress, sourceUnknown } = connection;
    const trusted = sourceUnknown !== true && (internal || proxies.has(peerAddress));
    trustedPeers.set(connection, trusted);
    if (!trusted && sourceUnknown !== true && PRIVATE.has(peerAddress)) tell(connection, 'private_peer');
    return trusted;
  }

  /**
   * Whether an unlisted peer may be a proxy. A private one may always; a public one that sends forwarding headers may be a
   * load balancer that nobody listed, but only while no public peer has come to the listener without them, and nobody is
   * listed: else any client could say of itself that it is a proxy, and have the limits by its address only report.
   */
  function mayBeProxy(connection: Connection, forwards: boolean): boolean {
    const { peerAddress, listener, sourceUnknown } = connection;
    if (sourceUnknown) return false;
    let isPrivate = privatePeers.get(connection);
    if (isPrivate === undefined) {
      isPrivate = PRIVATE.has(peerAddress);
      privatePeers.set(connection, isPrivate);
    }
    if (isPrivate) return true;
    if (!forwards) direct.add(listener);
    return forwards && proxies.size === 0 && !direct.has(listener);
  }

  function stranger(connection: Connection, fields: Fields, scheme: 'http' | 'https'): ClientAddress {
    let forwards = false;
    for (let i = 0; i < fields.length && !forwards; i += 2) forwards = signs.has(fields[i]!);
    if (forwards && connection.sourceUnknown !== true) tell(connection, 'forwarding_headers');
    return {
      address: connection.peerAddress,
      trustedPeer: false,
      mayBeProxy: mayBeProxy(connection, forwards),
      internal: false,
      scheme,
    };
  }

  return function clientAddress(connection, fields) {
    const { internal, externalScheme } = options.listeners.get(connection.listener)!;
    if (!trusts(connection, internal)) return stranger(connection, fields, externalScheme);
    // Peers of an internal listener have what the gateway itself wrote, which is no matter of the CDN in front.
    const said = (internal ? readForwardedFor : read)(fields, header);
    const client = walk(connection.peerAddress, said.hops, proxies);
    return {
      address: client.address,
      trustedPeer: true,
      mayBeProxy: false,
      internal: internal && client.address === connection.peerAddress,
      scheme: forwardedScheme(said.protos, client.fromRight) ?? externalScheme,
    };
  };
}

/** What a trusted peer says of others, the nearest last: taken from the right, and no further than it is believed. */
interface FromRight<Member> {
  pop(): Member | undefined;
  /** How many are left. */
  readonly length: number;
}

/** The hops before a trusted peer, and the schemes that they came by; null for a hop whose scheme nobody says. */
interface Said {
  readonly hops: FromRight<string> | undefined;
  readonly protos: FromRight<string | null> | undefined;
}

const READERS: Readonly<Record<ClientAddressSource['from'], (fields: Fields, header: string) => Said>> = {
  'x-forwarded-for': readForwardedFor,
  forwarded: readForwarded,
  header: readHeader,
};

function readForwardedFor(fields: Fields): Said {
  let hops: string | undefined;
  let protos: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === 'x-forwarded-for') hops = hops === undefined ? fields[i + 1]! : `${hops}, ${fields[i + 1]!}`;
    else if (fields[i] === 'x-forwarded-proto')
      protos = protos === undefined ? fields[i + 1]! : `${protos}, ${fields[i + 1]!}`;
  }
  return {
    hops: hops === undefined ? undefined : new ListFromRight(hops),
    protos: protos === undefined ? undefined : new ListFromRight(protos),
  };
}

function readForwarded(fields: Fields): Said {
  const elements = parseForwarded(fields);
  // An element without `for` is a hop like any other: else what the client wrote before it would move to its place.
  return { hops: elements?.map((one) => one.for ?? 'unknown'), protos: elements?.map((one) => one.proto ?? null) };
}

/**
 * The one address that a CDN writes. Two fields, or two addresses, are what a client gets through a CDN that appends and
 * does not overwrite: which is true cannot be known. None at all is a request that did not come through the CDN, such as
 * a check of the load balancer: it is the peer's own.
 */
function readHeader(fields: Fields, header: string): Said {
  let value: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== header) continue;
    if (value !== undefined) throw new GatewayError('BAD_FORWARDED', { detail: `more than one ${header}` });
    value = fields[i + 1]!;
  }
  const protos = members(fields, 'x-forwarded-proto');
  if (value === undefined) return { hops: undefined, protos };
  const address = hop(value.trim());
  if (address === undefined || address === HIDDEN) {
    throw new GatewayError('BAD_FORWARDED', { detail: `not one address in ${header}` });
  }
  return { hops: [address], protos };
}

/** The members of a list field, where it is there. */
function members(fields: Fields, name: string): ListFromRight | undefined {
  const value = joinedField(fields, name);
  return value === undefined ? undefined : new ListFromRight(value);
}

/** A client as the walk found it; `fromRight` counts hops from the right, 0 for the one that our peer names. */
interface Found {
  readonly address: string;
  readonly fromRight: number;
}

/** From the right: the first hop that is no trusted proxy is the client; where all are trusted, the leftmost. */
function walk(peer: string, hops: Said['hops'], proxies: Networks): Found {
  let client = peer;
  let passed = 0;
  for (let text = hops?.pop(); text !== undefined; text = hops!.pop()) {
    const address = hop(text);
    if (address === undefined) {
      throw new GatewayError('BAD_FORWARDED', { detail: `not an address in hop ${hops!.length + 1}` });
    }
    if (address === HIDDEN) break; // nobody further left can be known either
    client = address;
    passed += 1;
    if (!proxies.has(address)) break;
  }
  return { address: client, fromRight: Math.max(0, passed - 1) };
}

/** One `name=value` of Forwarded with what ends it; values are tokens or quoted strings, RFC 7239 section 4. */
const PAIR = /[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^",; \t]*))[ \t]*(;|,|$)/y;

/** What an element of Forwarded says. */
interface ForwardedElement {
  for?: string;
  proto?: string;
}

/** The elements of Forwarded in their order; throws where it does not parse, or says something twice. */
function parseForwarded(fields: Fields): ForwardedElement[] | undefined {
  const text = joinedField(fields, 'forwarded');
  if (text === undefined) return undefined;
  const elements: ForwardedElement[] = [];
  let element: ForwardedElement = {};
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < text.length) {
    const match = PAIR.exec(text);
    if (match === null) throw new GatewayError('BAD_FORWARDED', { detail: 'Forwarded does not parse' });
    const name = match[1]!.toLowerCase();
    if (name === 'for' || name === 'proto') {
      if (element[name] !== undefined) throw new GatewayError('BAD_FORWARDED', { detail: `${name} twice in one hop` });
      element[name] = match[2]?.replace(/\\(.)/g, '$1') ?? match[3]!;
    }
    if (match[4] === ';') continue;
    elements.push(element);
    element = {};
  }
  if (Object.keys(element).length > 0) elements.push(element); // it ended with a semicolon
  return elements;
}

/** The scheme at the client's hop, else the nearest to it that a trusted proxy names; others than http and https are no answer. */
function forwardedScheme(protos: Said['protos'], fromRight: number): 'http' | 'https' | undefined {
  let named: string | undefined;
  for (let i = 0; i <= fromRight; i += 1) {
    const said = protos?.pop();
    if (said === undefined) break;
    if (said !== null) named = said.toLowerCase();
  }
  return named === 'http' || named === 'https' ? named : undefined;
}
