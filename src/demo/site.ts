import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { type Assets, serveLoginResource } from './assets.ts';
import type { Console } from './console/console.ts';
import { type Domain, type DomainRules, domainOf, unknownInstance } from './domain.ts';
import { answerProbe, type Probed } from './probes.ts';
import type { Rest } from './rest/rest.ts';
import type { Rpc } from './rpc/rpc.ts';
import { answerScim } from './scim.ts';
import type { Login } from './signin/login.ts';
import type { Oidc } from './signin/oidc.ts';
import type { Saml } from './signin/saml.ts';
import { TOOLS } from './tools.ts';
import type { Visit } from './visit.ts';

/** The parts that a site routes to. */
export interface SiteParts {
  readonly rules: DomainRules;
  readonly probed: Probed;
  readonly rpc: Rpc;
  readonly rest: Rest;
  readonly oidc: Oidc;
  readonly saml: Saml;
  readonly login: Login;
  readonly assets: Assets;
  readonly console: Console;
  readonly now: () => Date;
}

interface Route {
  readonly serves: (path: string) => boolean;
  /** Whether an unknown host is answered before the route is asked. */
  readonly needsInstance: boolean;
  readonly answer: (visit: Visit, domain: Domain) => void | Promise<void>;
}

/**
 * Everything that ZITADEL serves, in the order of its router: the first that fits answers, then gRPC and gRPC-Web, and
 * last the REST of the v2 services, whose 404 is the answer to all else (ZITADEL cmd/start/start.go, startAPIs).
 */
export class Site {
  readonly #parts: SiteParts;
  readonly #routes: readonly Route[];

  constructor(parts: SiteParts) {
    this.#parts = parts;
    const { rest, oidc, saml, login, assets, now } = parts;
    const under = (prefix: string) => (path: string) => path === prefix || path.startsWith(`${prefix}/`);
    const exactly = (name: string) => (path: string) => path === name;
    const plain = (serves: Route['serves'], answer: Route['answer']): Route => ({
      serves,
      needsInstance: false,
      answer,
    });
    const bound = (serves: Route['serves'], answer: Route['answer']): Route => ({
      serves,
      needsInstance: true,
      answer,
    });
    this.#routes = [
      plain(
        (path) => path in TOOLS,
        (visit) => TOOLS[visit.path]!(visit),
      ),
      plain(exactly('/'), (visit) => visit.redirect('/ui/login')),
      plain(under('/debug'), (visit) => answerProbe(visit, parts.probed)),
      plain(exactly('/robots.txt'), (visit) => visit.send(200, TEXT, 'User-agent: *\nDisallow: /\n')),
      plain(under('/openapi'), (visit) => visit.json(200, { swagger: '2.0', info: { title: visit.path } })),
      plain(
        (path) => rest.isV1(path),
        (visit) => rest.answer(visit),
      ),
      bound(
        (path) => oidc.serves(path),
        (visit, domain) => oidc.answer(visit, domain),
      ),
      bound(exactly('/device'), (visit) => visit.redirect('/ui/login/device')),
      bound(under('/saml/v2'), (visit, domain) => saml.answer(visit, domain)),
      bound(under('/idps'), (visit) => this.#identityProvider(visit)),
      bound(under('/scim/v2'), (visit) => answerScim(visit)),
      bound(under('/assets/v1'), (visit) => assets.answer(visit)),
      // Fonts, pictures, scripts and themes of the login know no instance; branding does.
      bound(exactly('/ui/login/resources/dynamic'), (visit) => assets.dynamic(visit)),
      plain(under('/ui/login/resources'), (visit) => serveLoginResource(visit, now())),
      bound(under('/ui/login'), (visit) => login.answer(visit)),
      plain(under('/ui/console'), (visit, domain) => parts.console.answer(visit, domain)),
    ];
  }

  async answer(visit: Visit): Promise<void> {
    const { rules, rpc, rest } = this.#parts;
    if (visit.malformed || !visit.path.startsWith('/')) return visit.error(400, '400 Bad Request');
    const clean = cleaned(visit.path);
    // gorilla/mux sends `//` and `/../` to the path they mean.
    if (clean !== visit.path) return visit.redirect(encodeURI(clean) + queryOf(visit), {}, 301);
    // Looks like the xid of ZITADEL's own request ids.
    visit.reply.setHeader('x-request-id', randomBytes(10).toString('hex'));

    const route = this.#routes.find(({ serves }) => serves(visit.path));
    if (route) {
      const domain = domainOf(visit.lines, visit.authority, rules.externalSecure);
      const unknown = route.needsInstance ? unknownInstance(domain, rules) : undefined;
      return unknown === undefined ? route.answer(visit, domain) : visit.error(404, unknown);
    }
    if (rpc.connectGo(visit) || rpc.grpcGo(visit) || rpc.grpcWeb(visit)) return;
    return rest.answer(visit);
  }

  /** External identity providers come back by a redirect or by a form from another site. */
  async #identityProvider(visit: Visit): Promise<void> {
    const parameters = visit.method === 'POST' ? await visit.form() : visit.query;
    const state = parameters.get('state') ?? parameters.get('RelayState');
    if (!state) return visit.error(400, 'Errors.Intent.StateMissing');
    visit.redirect(`/ui/login/login/externalidp/callback?state=${encodeURIComponent(state)}`);
  }
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

function cleaned(path: string): string {
  const clean = posix.normalize(path);
  return path.endsWith('/') || !clean.endsWith('/') ? clean : clean.slice(0, -1) || '/';
}

function queryOf(visit: Visit): string {
  const at = visit.target.indexOf('?');
  return at < 0 ? '' : visit.target.slice(at);
}
