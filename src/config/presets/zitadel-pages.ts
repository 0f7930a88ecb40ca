/** What browsers and OIDC or SAML clients use: internal/api/{oidc,saml,idp,ui,assets} of ZITADEL. */

import type { PolicySettings } from '../schema/policies.ts';
import { ASSETS, CONSOLE, DISCOVERY, LOGIN_RESOURCES, LOGIN_V2_STATIC } from './zitadel-cache.ts';
import { CONSOLE_HEADERS, LOGIN_V1_HEADERS, LOGIN_V2_HEADERS } from './zitadel-headers.ts';
import { CODES_BY_GET, MAILS_BY_GET } from './zitadel-limits.ts';
import { ANY, ONCE, PAGE, POST, READ, type Row } from './zitadel-rows.ts';
import { FORM, LOGIN_FORM, SAML, SERVER_ACTIONS, UPLOAD } from './zitadel-shield.ts';

/** A page of Login v1, with what else its row says. */
const loginV1 = (more?: PolicySettings) => ({
  ...ONCE,
  policies: { ...LOGIN_FORM.policies, ...LOGIN_V1_HEADERS, ...more },
});
const LOGIN_V2_PAGE = { ...ONCE, policies: { ...SERVER_ACTIONS.policies, ...LOGIN_V2_HEADERS } };

/** OIDC, OAuth, SAML and what comes back from identity providers. */
// biome-ignore format: a table is read by its columns
export const PROTOCOLS: readonly Row[] = [
  ['oidc-discovery', ['/.well-known/openid-configuration'], READ, 'discovery', 'oauth', 'hot', { policies: DISCOVERY }],
  ['oidc-keys', ['/oauth/v2/keys'], READ, 'discovery', 'oauth', 'JWKS; hot', { policies: DISCOVERY }],
  ['oidc-authorize', ['/oauth/v2/authorize', '/oauth/v2/authorize/callback'], PAGE, 'authorize', 'html', 'redirects, sets the user-agent cookie, very long queries', { ...FORM, ...ONCE }],
  ['oidc-token', ['/oauth/v2/token'], POST, 'token', 'oauth', 'all grants, client secrets; hot', FORM],
  ['oidc-introspect', ['/oauth/v2/introspect', '/oauth/v2/revoke'], POST, 'introspect', 'oauth', 'called by resource servers and apps; hot', FORM],
  ['oidc-userinfo', ['/oidc/v1/userinfo'], PAGE, 'introspect', 'oauth', 'called by apps with a bearer token; hot'],
  ['oidc-end-session', ['/oidc/v1/end_session'], PAGE, 'authorize', 'html', 'logout; redirects', ONCE],
  ['oidc-preflight', ['/oauth/v2/*', '/oidc/v1/*'], ['OPTIONS'], 'discovery', 'oauth', 'CORS preflights, outside the limits of the calls they precede'],
  ['device-authorization', ['/oauth/v2/device_authorization'], POST, 'device', 'oauth', 'makes user codes', FORM],
  ['device-pages', ['/device', '/ui/login/device/*'], PAGE, 'device', 'html', 'where people type user codes of 8 characters, which can be guessed', loginV1()],
  ['saml-metadata', ['/saml/v2/metadata', '/saml/v2/certificate'], READ, 'discovery', 'html', 'metadata XML, certificate'],
  ['saml', ['/saml/v2/*'], PAGE, 'authorize', 'html', 'SSO, SLO, callback: GET with a very long query, cross-site POST with a big form', { ...SAML, ...ONCE }],
  ['idp-callbacks', ['/idps/*'], PAGE, 'authorize', 'html', 'external identity providers come back, also by cross-site POST', { ...SAML, ...ONCE }],
];

/** Login v1, the Console, and files. */
// biome-ignore format: a table is read by its columns
export const PAGES: readonly Row[] = [
  ['login-v1', ['/ui/login/*'], PAGE, 'login', 'html', 'bcrypt makes a password check a CPU attack too', loginV1()],
  ['login-v1-codes', ['/ui/login/mfa/otp/verify', '/ui/login/mail/verification'], PAGE, 'login', 'html', 'takes codes by GET too', loginV1(CODES_BY_GET)],
  ['login-v1-mails', ['/ui/login/password/reset'], PAGE, 'login', 'html', 'sends a mail for a GET', loginV1(MAILS_BY_GET)],
  ['login-v1-resources', ['/ui/login/resources/*'], READ, 'asset', 'text', 'static files and branding of Login v1', { policies: LOGIN_RESOURCES }],
  ['console', ['/ui/console/*'], READ, 'asset', 'html', 'the Console', { policies: { ...CONSOLE, ...CONSOLE_HEADERS } }],
  ['console-environment', ['/ui/console/assets/environment.json'], READ, 'asset', 'rest', 'depends on the host and must never be cached, so it stands apart from the static files'],
  ['assets', ['/assets/v1/*'], READ, 'asset', 'text', 'logos, fonts, avatars', { policies: ASSETS }],
  ['assets-upload', ['/assets/v1/*'], ['POST', 'PUT', 'DELETE'], 'heavy', 'text', 'multipart uploads', UPLOAD],
  ['openapi', ['/openapi/*', '/robots.txt'], READ, 'asset', 'text', 'Swagger JSON, robots'],
];

/** The start page where there is no Login v2. */
// biome-ignore format: a table is read by its columns
export const LOGIN_V1_ROOT: readonly Row[] = [
  ['root', ['/'], READ, 'login', 'html', 'sends the browser to /ui/login; a POST here would reach the debug service', { policies: LOGIN_V1_HEADERS }],
];

/** Login v2, a Next.js process of its own; apps/login of ZITADEL. */
// biome-ignore format: a table is read by its columns
export const LOGIN_V2: readonly Row[] = [
  ['root', ['/'], READ, 'login', 'html', 'Login v2, as the official Compose stack routes it', { rewrite: { from: '/', to: '/ui/v2/login/' }, policies: LOGIN_V2_HEADERS }],
  ['login-v2', ['/ui/v2/login/*'], PAGE, 'login', 'html', 'people type secrets; POSTs are Next server actions', LOGIN_V2_PAGE],
  ['login-v2-device', ['/ui/v2/login/device/*'], PAGE, 'device', 'html', 'where people type user codes', LOGIN_V2_PAGE],
  ['login-v2-static', ['/ui/v2/login/_next/static/*'], READ, 'asset', 'text', 'immutable files', { policies: LOGIN_V2_STATIC }],
  ['login-v2-health', ['/ui/v2/login/healthy', '/ui/v2/login/ready'], READ, 'internal', 'text', 'probes of Login v2', { group: 'health' }],
  ['login-v2-headers', ['/ui/v2/login/headers'], ANY, 'internal', 'html', "echoes the request's headers, cookies included, in some builds", { refuseWith: 'INTERNAL_ROUTE' }],
];
