/** Asks each known host's discovery document whether ZITADEL sees itself as the clients do. Never blocks the start. */

import type { Config } from '../config/schema.ts';
import type { Events } from '../core/events.ts';
import { ask } from '../upstream/ask.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** An issuer, RFC 8414 section 3.3: it must be where the document was asked for. */
const DISCOVERY = '/.well-known/openid-configuration';
const TIMEOUT_MS = 5000;
const MAX_BYTES = 65_536;

/** Compares the issuer of every exact host of the config with the host and the scheme that clients use. */
export async function checkIssuers(
  config: Config,
  upstreams: ReadonlyMap<string, Upstream>,
  events: Events,
): Promise<void> {
  const upstream = upstreams.get(config.preset.upstream);
  if (!config.hints || config.preset.name === 'none' || upstream === undefined) return;
  const listener = config.listeners.find(({ trust, redirect }) => trust === 'public' && redirect === undefined);
  const scheme = listener?.external_scheme ?? 'https';
  const hosts = config.hosts.filter((host) => !host.startsWith('*.'));
  await Promise.all(hosts.map((host) => checkIssuer(host, scheme, upstream, events)));
}

async function checkIssuer(host: string, scheme: 'http' | 'https', upstream: Upstream, events: Events): Promise<void> {
  try {
    const { status, body } = await ask(upstream.pick(), {
      path: DISCOVERY,
      authority: host,
      scheme: upstream.scheme,
      fields: ['x-forwarded-proto', scheme, 'x-forwarded-for', '127.0.0.1', 'accept', 'application/json'],
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    if (status === 404) {
      events.emit('hint', {
        topic: 'unknown_instance',
        host,
        found: 'ZITADEL has no instance for this host',
        expected: 'ExternalDomain or a custom domain of an instance',
        key: 'hosts (here), ExternalDomain (in ZITADEL)',
      });
      return;
    }
    if (status !== 200) return tellUnread(host, `status ${status}`, events);
    const { issuer } = JSON.parse(body) as { issuer?: unknown };
    const expected = `${scheme}://${host}`;
    const url = typeof issuer === 'string' && URL.canParse(issuer) ? new URL(issuer) : undefined;
    if (url === undefined) return tellUnread(host, 'no issuer', events);
    if (url.hostname !== host) {
      tell(host, 'issuer_host', url.origin, expected, 'ExternalDomain (in ZITADEL) or hosts (here)', events);
    } else if (url.protocol !== `${scheme}:`) {
      const key = 'listeners[].external_scheme (here) or ExternalSecure (in ZITADEL)';
      tell(host, 'issuer_scheme', url.origin, expected, key, events);
    }
  } catch (error) {
    tellUnread(host, error instanceof Error ? error.message : String(error), events);
  }
}

function tell(host: string, topic: string, found: string, expected: string, key: string, events: Events): void {
  events.emit('hint', { topic, host, found: `issuer ${found}`, expected: `issuer ${expected}`, key });
}

function tellUnread(host: string, found: string, events: Events): void {
  events.emit('hint', {
    topic: 'discovery_unread',
    host,
    found,
    expected: `a discovery document at ${DISCOVERY}`,
    key: 'upstreams and preset.upstream (here)',
  });
}
