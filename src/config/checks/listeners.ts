import { createSecureContext } from 'node:tls';
import { isLoopback, parseListenAddress } from '../address.ts';
import type { ListenerConfig } from '../schema.ts';
import type { Check, Findings } from './check.ts';

/** Listeners can be bound side by side, and each says all it needs and nothing it cannot use. */
export const listeners: Check = ({ config, listeners: all }, found) => {
  const { admin } = config;
  for (const [index, listener] of all) {
    const path = ['listeners', index] as const;
    if (listener.tls !== undefined) tls(listener.tls, [...path, 'tls'], found);
    if (listener.tls?.acme !== undefined && !all.some(([, one]) => one.tls === undefined && one.trust === 'public')) {
      found.problem(
        [...path, 'tls', 'acme'],
        'nobody answers its challenges: expected a listener without tls at port 80, such as one with redirect: {}',
      );
    }
    if (listener.tls?.development && !isLoopback(parseListenAddress(listener.address)!.host)) {
      found.warn([...path, 'tls', 'development'], 'others than this machine get a certificate that nobody signed');
    }
    trust(listener, path, found);
    proxyProtocol(listener, config.trusted_proxies ?? [], path, found);
    const other = all.find(([before, one]) => before < index && clash(one.address, listener.address));
    if (other !== undefined) found.problem([...path, 'address'], `the port is taken by listeners[${other[0]}]`);
    if (admin?.enabled && clash(admin.address, listener.address)) {
      found.problem([...path, 'address'], 'the port is taken by admin.address');
    }
    if (listener.redirect !== undefined) {
      if (listener.tls !== undefined)
        found.problem([...path, 'tls'], 'a redirect listener takes plain HTTP: remove tls');
      if (listener.trust === 'internal') {
        found.problem([...path, 'trust'], 'a redirect listener forwards nothing: remove trust');
      }
    } else if (exposed(listener) && (config.trusted_proxies?.length ?? 0) === 0) {
      found.warn(
        path,
        'takes requests in the clear from everywhere; with a load balancer in front, name it in trusted_proxies and set external_scheme: https',
      );
    }
  }
  if (config.listeners?.every(({ redirect }) => redirect !== undefined)) {
    found.warn(['listeners'], 'all listeners only redirect, so nothing is forwarded');
  }
};

function tls(settings: NonNullable<ListenerConfig['tls']>, path: readonly (string | number)[], found: Findings): void {
  const { certificates, acme, development, ciphers } = settings;
  const has = certificates.length > 0 || acme !== undefined;
  if (!has && !development) {
    found.problem(path, 'certificates are missing: expected at least one, or acme, or development: true');
  }
  if (has && development) {
    found.problem([...path, 'development'], 'makes a certificate of its own: remove it or the certificates');
  }
  try {
    createSecureContext({ ciphers });
  } catch {
    found.problem(
      [...path, 'ciphers'],
      'OpenSSL knows none of these: expected names such as ECDHE-ECDSA-AES128-GCM-SHA256',
    );
  }
}

function trust({ trust, allow }: ListenerConfig, path: readonly (string | number)[], found: Findings): void {
  if (trust === 'internal' && allow.length === 0) {
    found.problem(path, 'allow is missing: a listener with trust: internal names the networks that may use it', {
      expected: 'a list of networks',
    });
  }
  if (trust === 'public' && allow.length > 0) {
    found.problem([...path, 'allow'], 'only a listener with trust: internal has it');
  }
}

function proxyProtocol(
  { proxy_protocol, trust }: ListenerConfig,
  proxies: readonly string[],
  path: readonly (string | number)[],
  found: Findings,
): void {
  if (!proxy_protocol) return;
  if (trust === 'internal') {
    found.problem([...path, 'proxy_protocol'], 'peers of a listener with trust: internal come directly: remove it');
  } else if (proxies.length === 0) {
    found.problem([...path, 'proxy_protocol'], 'nobody may connect: expected the load balancer in trusted_proxies');
  }
}

function exposed({ address, tls, trust, external_scheme: scheme }: ListenerConfig): boolean {
  const { host } = parseListenAddress(address)!;
  return tls === undefined && trust === 'public' && scheme === 'http' && !isLoopback(host);
}

/** Whether two addresses cannot be bound at once. `::` takes IPv4 as well. */
function clash(one: string, other: string): boolean {
  const [a, b] = [parseListenAddress(one)!, parseListenAddress(other)!];
  if (a.port === 0 || a.port !== b.port) return false;
  const wide = (host: string): boolean => host === '::' || host === '0.0.0.0';
  if (a.host === b.host || a.host === '::' || b.host === '::') return true;
  return (wide(a.host) && !b.host.includes(':')) || (wide(b.host) && !a.host.includes(':'));
}
