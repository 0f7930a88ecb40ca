/** The path of a request: decoded once for routing; the raw target goes on byte for byte. */

/** What routing sees of a request target. */
export interface DecodedPath {
  /** Percent-decoded; no empty, `.` or `..` segments, no backslash, no control characters. */
  readonly path: string;
  /** The path had an encoded slash: two readings of it may lead to two routes. */
  readonly encodedSlash: boolean;
  /** Without `?`; undefined where there is none. */
  readonly query: string | undefined;
}

/** Whatever needs a second look: an escape, or something that is refused. */
const SUSPICIOUS = /[%\\#]|\/\/|\/\.|[^\x21-\x7e]/;

/**
 * Decodes the path of an origin-form target; undefined where it is malformed or could mean two things.
 * ZITADEL routes on the decoded path (gorilla/mux), so policies must too: `/v2/%73essions` is `/v2/sessions`.
 */
export function decodePath(target: string): DecodedPath | undefined {
  const mark = target.indexOf('?');
  const raw = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? undefined : target.slice(mark + 1);
  // A space or a line break would end the request line of HTTP/1.1 upstreams.
  if (query !== undefined && /[^\x21-\x7e]|#/.test(query)) return undefined;
  if (!SUSPICIOUS.test(raw)) return { path: raw, encodedSlash: false, query };
  if (raw.includes('#')) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  if (/[\x00-\x1f\x7f\\]/.test(path) || /[^\x21-\x7e]/.test(raw)) return undefined;
  const segments = path.split('/');
  // The first is before the leading slash; only the last may be empty, as in `/ui/console/`.
  for (let i = 1; i < segments.length; i += 1) {
    const segment = segments[i]!;
    if (segment === '.' || segment === '..' || (segment === '' && i < segments.length - 1)) return undefined;
  }
  return { path, encodedSlash: /%2f/i.test(raw), query };
}

/**
 * A decoded path as the router wants it: what the router would read as syntax is escaped again. Only what needs three
 * characters in the raw path too, so that no segment outgrows the router's limit and falls to a looser route.
 */
export function routerPath(path: string): string {
  return /[%?#]/.test(path) ? path.replace(/[%?#]/g, encodeURIComponent) : path;
}

/** Where requests that must not be routed are sent: no route can have this path. */
export const UNROUTABLE = '/\u0000';

/** The host of an authority, lower-case, without port and without the dot of a full name. */
export function hostOf(authority: string): string {
  const host = authority.replace(/:\d*$/, '').toLowerCase();
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** The path that the upstream gets, decoded: without the prefix that the route strips. */
export function upstreamPath(
  path: string,
  rewrite: { readonly from: string; readonly to: string } | undefined,
): string {
  if (rewrite === undefined) return path;
  const left = path.split('/').slice(rewrite.from.split('/').length);
  const whole = (rewrite.to === '/' ? '' : rewrite.to) + left.map((segment) => `/${segment}`).join('');
  return whole === '' ? '/' : whole;
}
