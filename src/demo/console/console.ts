import { cacheHeaders, LIFETIMES, neverCacheHeaders } from '../caching.ts';
import { type Domain, type DomainRules, originOf, unknownInstance } from '../domain.ts';
import { serveFile } from '../file-server.ts';
import { consolePolicy, securityHeaders } from '../security.ts';
import { CONSOLE_CLIENT_ID } from '../signin/client.ts';
import type { Visit } from '../visit.ts';
import { BUILT, consoleFiles } from './files.ts';

/** Files that are kept for a short time only, besides every path without a dot (ZITADEL internal/api/ui/console/console.go). */
const SHORT_LIVED = new Set([
  '/index.html',
  '/manifest.webmanifest',
  '/ngsw.json',
  '/ngsw-worker.js',
  '/safety-worker.js',
  '/worker-basic.min.js',
]);

/** The Console: static files, an SPA fallback, and the one file that depends on the host. */
export class Console {
  readonly #rules: DomainRules;
  readonly #now: () => Date;

  constructor(rules: DomainRules, now: () => Date) {
    this.#rules = rules;
    this.#now = now;
  }

  answer(visit: Visit, domain: Domain) {
    const path = visit.path.slice('/ui/console'.length);
    const security = securityHeaders(consolePolicy(visit.authority));
    if (path === '/assets/environment.json') return this.#environment(visit, domain);
    const isPage = !path.includes('.');
    const cache = cacheHeaders(isPage || SHORT_LIVED.has(path) ? LIFETIMES.short : LIFETIMES.long, this.#now());
    const headers = { ...security, ...cache };
    // Go's file server has one name for an index.
    if (path.endsWith('/index.html')) return visit.send(301, { location: './', ...headers });
    const files = consoleFiles();
    const index = files.get('index.html')!;
    if (path === '' || path === '/') return serveFile(visit, index, headers);
    const file = files.get(path.slice(1));
    if (file) return serveFile(visit, file, headers);
    // Only the fallback says when it was changed: embedded files do not know.
    if (isPage) return serveFile(visit, index, headers, BUILT);
    visit.error(404, '404 page not found', { ...security, ...neverCacheHeaders(this.#now()) });
  }

  #environment(visit: Visit, domain: Domain) {
    const security = securityHeaders(consolePolicy(visit.authority));
    const unknown = unknownInstance(domain, this.#rules);
    if (unknown !== undefined) return visit.error(404, unknown, security);
    const protocol = this.#rules.externalSecure ? 'https' : 'http';
    const environment = {
      // From `r.Host` and ExternalSecure alone: no forwarded header is looked at (zitadel/zitadel#9912).
      api: `${protocol}://${visit.authority}`,
      issuer: originOf(domain),
      clientid: CONSOLE_CLIENT_ID,
    };
    // No content type is set there, and JSON is sniffed to be text.
    visit.send(200, { 'content-type': 'text/plain; charset=utf-8', ...security }, JSON.stringify(environment));
  }
}
