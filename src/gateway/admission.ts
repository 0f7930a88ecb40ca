/** What holds for every request, whatever its route: who the client is, and what is refused before routes count. */

import type { Config, ListenerConfig } from '../config/schema.ts';
import { GatewayError } from '../core/errors.ts';
import type { ClientAddress } from '../core/exchange.ts';
import { Networks } from '../core/networks.ts';
import { hostOf } from '../core/path.ts';
import type { RawRequest } from '../core/raw.ts';
import type { NamedNetworks } from '../networks/named-networks.ts';
import { compileIpRules } from '../policies/ip-rules.ts';
import { type ClientAddressOptions, clientAddresses } from '../transport/client-address.ts';
import { HostMap } from './constraints.ts';
import type { RouteTable } from './route-table.ts';

/** What the `ip_rules` of the whole config are called in logs and metrics. */
export const GLOBAL_IP_RULES = 'ip_rules_global';

/** The rules of one generation. */
export interface Admission {
  /** Who the client is; throws BAD_FORWARDED where a trusted proxy says something that is no address. */
  client(raw: RawRequest): ClientAddress;
  /** Why an address may not come at all, or undefined. */
  addressRefused(client: ClientAddress, raw: RawRequest): GatewayError | undefined;
  /** Why a request is refused, or undefined. */
  refusal(raw: RawRequest): GatewayError | undefined;
  listener(raw: RawRequest): ListenerConfig;
}

/** Compiles the rules of a config. */
export function createAdmission(
  config: Config,
  table: RouteTable,
  onUntrusted: ClientAddressOptions['onUntrusted'],
  networks: NamedNetworks,
): Admission {
  const listeners = new Map(
    config.listeners.map((listener) => [
      listener.name,
      {
        config: listener,
        internal: listener.trust === 'internal',
        externalScheme: listener.external_scheme,
        allow: new Networks(listener.allow),
      },
    ]),
  );
  const clientAddress = clientAddresses({
    trustedProxies: config.trusted_proxies,
    source: config.client_address,
    listeners,
    onUntrusted,
  });
  const { allow, deny } = config.ip_rules;
  const mayCome = allow.length + deny.length === 0 ? undefined : compileIpRules(config.ip_rules, networks);
  const hosts = new HostMap<true>();
  for (const host of config.hosts) hosts.set(host, true);

  return {
    client: (raw) => clientAddress(raw.connection, raw.fields),
    addressRefused({ address, internal }, raw) {
      // Peers of an internal listener have a list of their own.
      if (mayCome === undefined || internal || mayCome(address, raw.connection)) return undefined;
      return new GatewayError('ADDRESS_REFUSED', { rule: GLOBAL_IP_RULES, detail: address });
    },
    listener: (raw) => listeners.get(raw.connection.listener)!.config,
    refusal(raw) {
      if (raw.fault !== undefined) {
        const allow = raw.fault === 'METHOD_NOT_ALLOWED' ? table.allowed(raw) : undefined;
        return new GatewayError(raw.fault, {
          ...(raw.faultDetail && { detail: raw.faultDetail }),
          ...(allow && { allow }),
        });
      }
      const { internal, allow } = listeners.get(raw.connection.listener)!;
      if (internal && !allow.has(raw.connection.peerAddress)) {
        return new GatewayError('TRUST_REFUSED', { detail: raw.connection.peerAddress });
      }
      if (config.hosts.length > 0 && hosts.get(hostOf(raw.authority)) === undefined) {
        return new GatewayError('UNKNOWN_HOST', { detail: raw.authority });
      }
      if (raw.encodedSlash && table.ambiguous(raw)) {
        return new GatewayError('BAD_PATH', { detail: 'an encoded slash changes the route' });
      }
      return undefined;
    },
  };
}
