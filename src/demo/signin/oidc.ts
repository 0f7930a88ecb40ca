import type { OutgoingHttpHeaders } from 'node:http';
import { answerPreflight, corsHeaders, isPreflight, OIDC_CORS } from '../cors.ts';
import { type Domain, originOf } from '../domain.ts';
import type { State } from '../state.ts';
import type { Visit } from '../visit.ts';
import { authenticated } from './client.ts';
import { userAgentCookie } from './cookie.ts';
import { GRANTS, GrantError, type Grants, userClaims } from './grants.ts';
import type { SigningKey } from './keys.ts';

/** What the OpenID Connect endpoints are made of. */
export interface OidcOptions {
  readonly state: State;
  readonly grants: Grants;
  readonly key: SigningKey;
  readonly externalSecure: boolean;
  /** Seconds that the key set may be cached; 0 forbids it (`OIDC.JWKSCacheControlMaxAge`). */
  readonly jwksMaxAgeS: number;
  /** Whether people sign in with Login v2. */
  readonly loginV2: boolean;
}

const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' };

/** The paths of the endpoints (ZITADEL internal/api/oidc/server.go). */
const OIDC_PATHS = {
  discovery: '/.well-known/openid-configuration',
  authorize: '/oauth/v2/authorize',
  callback: '/oauth/v2/authorize/callback',
  token: '/oauth/v2/token',
  introspect: '/oauth/v2/introspect',
  revoke: '/oauth/v2/revoke',
  keys: '/oauth/v2/keys',
  deviceAuthorization: '/oauth/v2/device_authorization',
  userinfo: '/oidc/v1/userinfo',
  endSession: '/oidc/v1/end_session',
} as const;

type Endpoint = (visit: Visit, domain: Domain, headers: OutgoingHttpHeaders) => void | Promise<void>;

/** The OpenID Connect endpoints. */
export class Oidc {
  readonly #options: OidcOptions;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;

  constructor(options: OidcOptions) {
    this.#options = options;
    this.#endpoints = new Map<string, Endpoint>([
      [OIDC_PATHS.discovery, this.#discovery],
      [OIDC_PATHS.keys, this.#keys],
      [OIDC_PATHS.authorize, this.#authorize],
      [OIDC_PATHS.callback, this.#callback],
      [OIDC_PATHS.token, this.#token],
      [OIDC_PATHS.introspect, this.#introspect],
      [OIDC_PATHS.revoke, this.#revoke],
      [OIDC_PATHS.deviceAuthorization, this.#deviceAuthorization],
      [OIDC_PATHS.userinfo, this.#userinfo],
      [OIDC_PATHS.endSession, this.#endSession],
    ]);
  }

  serves(path: string): boolean {
    return this.#endpoints.has(path);
  }

  async answer(visit: Visit, domain: Domain): Promise<void> {
    if (isPreflight(visit)) return answerPreflight(visit, OIDC_CORS);
    const headers = corsHeaders(visit, OIDC_CORS);
    try {
      await this.#endpoints.get(visit.path)!.call(this, visit, domain, headers);
    } catch (error) {
      if (!(error instanceof GrantError)) throw error;
      const body = { error: error.code, error_description: error.message };
      visit.json(error.status, body, { ...NO_STORE, ...headers });
    }
  }

  #discovery(visit: Visit, domain: Domain, headers: OutgoingHttpHeaders): void {
    const issuer = originOf(domain);
    visit.json(
      200,
      {
        issuer,
        authorization_endpoint: issuer + OIDC_PATHS.authorize,
        token_endpoint: issuer + OIDC_PATHS.token,
        introspection_endpoint: issuer + OIDC_PATHS.introspect,
        userinfo_endpoint: issuer + OIDC_PATHS.userinfo,
        revocation_endpoint: issuer + OIDC_PATHS.revoke,
        end_session_endpoint: issuer + OIDC_PATHS.endSession,
        device_authorization_endpoint: issuer + OIDC_PATHS.deviceAuthorization,
        jwks_uri: issuer + OIDC_PATHS.keys,
        scopes_supported: ['openid', 'profile', 'email', 'phone', 'address', 'offline_access'],
        response_types_supported: ['code', 'id_token', 'id_token token'],
        response_modes_supported: ['query', 'fragment', 'form_post'],
        grant_types_supported: GRANTS,
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
        code_challenge_methods_supported: ['S256'],
      },
      headers,
    );
  }

  #keys(visit: Visit, _domain: Domain, headers: OutgoingHttpHeaders): void {
    const { key, jwksMaxAgeS } = this.#options;
    const cacheControl = jwksMaxAgeS > 0 ? `max-age=${jwksMaxAgeS}, must-revalidate` : 'no-store';
    visit.json(200, { keys: [key.jwk] }, { ...headers, 'cache-control': cacheControl });
  }

  async #authorize(visit: Visit, _domain: Domain, headers: OutgoingHttpHeaders): Promise<void> {
    const query = visit.method === 'POST' ? await visit.form() : visit.query;
    if (!query.get('client_id') || !URL.canParse(query.get('redirect_uri') ?? '')) {
      // Not redirected: the address has not been checked.
      return visit.error(400, 'the requested redirect_uri is missing in the client configuration', headers);
    }
    const { grants, loginV2, externalSecure } = this.#options;
    const { id } = grants.begin(query);
    const login = loginV2 ? `/ui/v2/login/login?authRequest=V2_${id}` : `/ui/login/login?authRequestID=${id}`;
    visit.redirect(login, { ...headers, ...userAgentCookie(visit, externalSecure) });
  }

  #callback(visit: Visit, _domain: Domain, headers: OutgoingHttpHeaders) {
    const { grants } = this.#options;
    const request = grants.requests.get((visit.query.get('id') ?? '').replace(/^V2_/, ''));
    if (!request) return visit.error(400, 'Errors.AuthRequest.NotFound', headers);
    visit.redirect(grants.finish(request), headers);
  }

  async #token(visit: Visit, domain: Domain, headers: OutgoingHttpHeaders): Promise<void> {
    const form = await this.#postedForm(visit);
    const client = authenticated(visit, form);
    if (!client) throw new GrantError('invalid_client', 'invalid credentials', 401);
    const tokens = this.#options.grants.token(client, form, originOf(domain));
    visit.json(200, tokens, { ...NO_STORE, ...headers });
  }

  async #introspect(visit: Visit, _domain: Domain, headers: OutgoingHttpHeaders): Promise<void> {
    const form = await this.#postedForm(visit);
    if (!authenticated(visit, form)?.secret) throw new GrantError('invalid_client', 'invalid credentials', 401);
    const claims = this.#options.grants.claims(form.get('token') ?? '');
    visit.json(200, claims ? { active: true, token_type: 'Bearer', ...claims } : { active: false }, headers);
  }

  async #revoke(visit: Visit, _domain: Domain, headers: OutgoingHttpHeaders): Promise<void> {
    const form = await this.#postedForm(visit);
    if (!authenticated(visit, form)) throw new GrantError('invalid_client', 'invalid credentials', 401);
    this.#options.grants.revoke(form.get('token') ?? '');
    visit.send(200, headers);
  }

  async #deviceAuthorization(visit: Visit, domain: Domain, headers: OutgoingHttpHeaders): Promise<void> {
    const form = await this.#postedForm(visit);
    if (!form.get('client_id')) throw new GrantError('invalid_client', 'client_id missing', 401);
    const { deviceCode, userCode } = this.#options.grants.device();
    const page = `${originOf(domain)}/device`;
    const body = {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: page,
      verification_uri_complete: `${page}?user_code=${userCode}`,
      expires_in: 300,
      interval: 5,
    };
    visit.json(200, body, { ...NO_STORE, ...headers });
  }

  #userinfo(visit: Visit, _domain: Domain, headers: OutgoingHttpHeaders): void {
    const claims = this.#options.grants.claims(visit.bearer);
    const user = claims && this.#options.state.userById(String(claims.sub));
    if (!claims) throw new GrantError('invalid_token', 'Errors.Token.Invalid', 401);
    visit.json(200, { sub: claims.sub, ...(user && userClaims(user)) }, headers);
  }

  async #endSession(visit: Visit, _domain: Domain, headers: OutgoingHttpHeaders): Promise<void> {
    const query = visit.method === 'POST' ? await visit.form() : visit.query;
    const back = query.get('post_logout_redirect_uri');
    if (!back || !URL.canParse(back)) return visit.redirect('/ui/login/logout/done', headers);
    const location = new URL(back);
    const state = query.get('state');
    if (state) location.searchParams.set('state', state);
    visit.redirect(location.href, headers);
  }

  async #postedForm(visit: Visit): Promise<URLSearchParams> {
    if (visit.method !== 'POST') throw new GrantError('invalid_request', 'method not allowed', 405);
    return visit.form();
  }
}
