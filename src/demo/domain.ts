import type { HeaderLines } from './header-lines.ts';

/** Which instance a request is for and how the public names it (ZITADEL internal/api/http/request_context.go). */
export interface Domain {
  readonly instanceHost: string;
  readonly publicHost: string;
  readonly protocol: 'http' | 'https';
}

/** What the lookup of an instance needs to know. */
export interface DomainRules {
  /** Domains of the instance; empty accepts every host. */
  readonly domains: readonly string[];
  /** Domains that may be public hosts besides. */
  readonly trustedDomains: readonly string[];
  /** The domain named in the answer to an unknown host. */
  readonly externalDomain: string;
  readonly externalSecure: boolean;
}

/** The headers that may name the instance, in the order of ZITADEL internal/api/http/middleware/origin_interceptor.go. */
const INSTANCE_HEADERS = [
  'x-zitadel-instance-host',
  'host',
  ':authority',
  'forwarded',
  'x-zitadel-forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
];
const PUBLIC_HEADERS = ['x-zitadel-public-host'];
/** Read as if they were RFC 7239 Forwarded fields; X-Forwarded-For is among them, so `X-Forwarded-For: host=x` counts. */
const FORWARDED_SYNTAX = new Set(['forwarded', 'x-zitadel-forwarded', 'x-forwarded-for']);

/** Composes the domain of a request from its headers, and from `r.Host` only when no header names a host. */
export function domainOf(headers: HeaderLines, authority: string, externalSecure: boolean): Domain {
  const instance = hostFrom(headers, INSTANCE_HEADERS);
  const shown = hostFrom(headers, PUBLIC_HEADERS);
  return {
    instanceHost: instance.host || authority,
    publicHost: shown.host,
    protocol: externalSecure ? 'https' : instance.proto || 'http',
  };
}

/** The host a user sees: the public one when given. */
export function requestedHost(domain: Domain): string {
  return domain.publicHost || domain.instanceHost;
}

/** The origin a user sees; the issuer of OpenID Connect is this. */
export function originOf(domain: Domain): string {
  return `${domain.protocol}://${requestedHost(domain)}`;
}

/** The message for a host without an instance, or undefined when there is one. */
export function unknownInstance(domain: Domain, rules: DomainRules): string | undefined {
  const { domains, trustedDomains, externalDomain } = rules;
  if (domains.length === 0) return undefined;
  const instanceDomain = hostname(domain.instanceHost);
  const publicDomain = hostname(domain.publicHost);
  const known = domains.some((name) => hostname(name) === instanceDomain);
  const trusted =
    publicDomain === '' || [...domains, ...trustedDomains].some((name) => hostname(name) === publicDomain);
  if (known && trusted) return undefined;
  // The origin is a Go pointer to a struct printed with %s, hence the braces (zitadel/zitadel-charts#544).
  const origin = `&{${domain.instanceHost} ${domain.publicHost} ${domain.protocol}}`;
  const lookup = `unable to get instance by domain: instanceDomain ${instanceDomain}, publicHostname ${publicDomain}`;
  const reason = known
    ? `ID=QUERY-IuGh1 Message=Errors.IAM.NotFound Parent=(public domain "${publicDomain}" not trusted)`
    : 'ID=QUERY-1kIjX Message=Errors.Instance.NotFound';
  return (
    `unable to set instance using origin ${origin} (ExternalDomain is ${externalDomain}): ` +
    `ID=${known ? 'QUERY-IuGh1' : 'QUERY-1kIjX'} Message=Instance not found. Make sure you got the domain right. ` +
    `Check out https://zitadel.com/docs/apis/introduction#domains Parent=(${lookup}: ${reason})`
  );
}

function hostFrom(headers: HeaderLines, names: readonly string[]): { host: string; proto: '' | 'http' | 'https' } {
  let host = '';
  let proto: '' | 'http' | 'https' = '';
  for (const name of names) {
    let named = '';
    let spoken = '';
    if (FORWARDED_SYNTAX.has(name)) {
      const pairs = forwardedPairs(headers.values(name));
      named = pairs?.get('host') ?? '';
      spoken = pairs?.get('proto') ?? '';
    } else if (name === 'x-forwarded-proto') spoken = headers.get(name);
    else named = headers.get(name);
    host ||= named;
    if (proto === '' && (spoken === 'http' || spoken === 'https')) proto = spoken;
  }
  return { host, proto };
}

/** The first value of each parameter of a Forwarded field (RFC 7239 section 4), or undefined where it does not parse. */
function forwardedPairs(values: readonly string[]): Map<string, string> | undefined {
  const pairs = new Map<string, string>();
  const pair = /\s*([!#$%&'*+\-.^_`|~\w]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+\-.^_`|~\w:[\]]+))\s*(?:[;,]|$)/y;
  for (const value of values) {
    pair.lastIndex = 0;
    while (pair.lastIndex < value.length) {
      const match = pair.exec(value);
      if (!match) return undefined;
      const name = match[1]!.toLowerCase();
      if (!pairs.has(name)) pairs.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '');
    }
  }
  return pairs;
}

function hostname(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}
