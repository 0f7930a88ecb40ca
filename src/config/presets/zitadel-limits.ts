/**
 * The limits of each class, on by default: generous for people, hard on brute force. docs/rate-limits.md says how to
 * change one. For scale: ZITADEL Cloud lets an address ask 10 times a second on /ui/* and 50 times elsewhere, over a
 * minute (zitadel.com/docs, rate limit policy).
 */

import type { PolicySettings } from '../schema/policies.ts';

type Limits = NonNullable<Exclude<PolicySettings['rate_limit'], false>>['limits'];
type Places = NonNullable<Exclude<PolicySettings['concurrency_limit'], false>>['limits'];

/** So many a minute from one address: an office of hundreds behind one address stays far below. */
const address = (requests: number, burst: number) => ({ key: ['address'], requests, period_s: 60, burst });

/** What makes a device known: what it is told by, and what only its user can send and have accepted. */
interface Known {
  readonly by: string;
  readonly proof: readonly string[];
}

/**
 * Guesses at one account: ten at once, then one in 15 seconds, whoever makes them. A device that succeeded lately has a
 * count of its own: strangers cannot lock its user out.
 */
const guesses = (key: string, known?: Known, statuses?: string[]) => ({
  key: [key],
  requests: 20,
  period_s: 300,
  burst: 10,
  count: 'failures' as const,
  ...(known !== undefined && { known: { by: [known.by], proof: [...known.proof], for_s: 604_800 } }),
  ...(statuses !== undefined && { failures: { statuses }, methods: ['POST'] }),
});

/** Beginnings of a login, which cost nobody a secret: each is a handful of guesses under an id of its own. */
const starts = (key: string, known?: Known) => ({
  key: [key],
  requests: 60,
  period_s: 300,
  burst: 30,
  ...(known !== undefined && { known: { by: [known.by], proof: [...known.proof], for_s: 604_800 } }),
});

/**
 * Who has used Login v1 before (internal/api/http/middleware/user_agent_cookie.go); `__Host-` where it is secure. Known
 * by a password that was right, not by a login name that there is.
 */
const BROWSER: Known = { by: 'cookie:__Host-zitadel.useragent|zitadel.useragent', proof: ['form:password'] };

/** Who sent a right secret to the session service. Without one CreateSession succeeds for whoever may call it. */
const CHECKED: Known = {
  by: 'address',
  proof: ['password.password', 'totp.code', 'otp_sms.code', 'otp_email.code', 'idp_intent.idp_intent_token'].map(
    (field) => `message:checks.${field}`,
  ),
};

/** Who sent a right code or password of a user. Without one most calls succeed: they send the code. */
const CODED: Known = { by: 'address', proof: ['message:verification_code', 'message:current_password'] };

/**
 * Login v1 answers a wrong password with its page and 200, a right one with 302 or with the page of the next step; Login
 * v2 answers everything with 200. So 200 counts: for some logins one too many, which ten at once have room for.
 */
const PAGE_AGAIN = ['200', '4xx'];

const LOGIN: Limits = {
  'login-address': address(600, 300),
  'login-posts-address': { ...address(300, 300), methods: ['POST'] },
  'login-account': guesses('login_name', BROWSER, PAGE_AGAIN),
  // The password form of Login v1 is bound to its account by this field, not by the name in it: fewer, because whoever
  // guesses can have several (auth_request.go). A second factor is typed under the same id.
  'login-auth-request': { ...guesses('form:authRequestID', undefined, PAGE_AGAIN), requests: 10, burst: 8 },
  // Codes of mails, which are typed without an auth request (init_password_handler.go, init_user_handler.go).
  'login-user': guesses('form:userID', undefined, PAGE_AGAIN),
  // Passwords and second factors in Login v2 are checked for a session of the browser's cookie, whatever name is given;
  // codes of mails for a user (apps/login/src/lib/server/{password,otp,verify}.ts).
  'login-session': guesses('login_session', undefined, PAGE_AGAIN),
  'login-action-user': guesses('action:userId', undefined, PAGE_AGAIN),
};

/** Pages of Login v1 that take codes by GET too, as links of mails (mfa_verify_otp_handler.go, mail_verify_handler.go). */
export const CODES_BY_GET: PolicySettings = {
  rate_limit: {
    limits: { 'login-auth-request': { methods: ['GET', 'POST'] }, 'login-user': { methods: ['GET', 'POST'] } },
  },
};

/** A page of Login v1 that sends a mail for a GET (password_reset_handler.go): nobody wants a hundred of them. */
export const MAILS_BY_GET: PolicySettings = {
  rate_limit: {
    limits: {
      'login-mails-address': address(30, 10),
      'login-mails': { key: ['form:authRequestID'], requests: 5, period_s: 300, burst: 3 },
    },
  },
};

const SESSION: Limits = {
  'session-address': address(600, 300),
  'session-account': guesses('login_name', CHECKED),
  'session-account-starts': starts('login_name', CHECKED),
  'session-user-id': guesses('message:checks.user.user_id', CHECKED),
  'session-user-id-starts': starts('message:checks.user.user_id', CHECKED),
  // SetSession checks secrets of a session that exists, and anybody may have several of one account; the others are
  // those of a user.
  'session-session': { ...guesses('message:session_id'), requests: 10, burst: 8 },
  'session-user': guesses('message:user_id', CODED),
};

/** Parallel checks passed the count of ZITADEL's lockout once (CVE-2023-47111). */
const SESSION_PLACES: Places = {
  'session-account-at-once': { key: ['login_name'], max_in_flight: 8 },
  'session-user-at-once': { key: ['message:user_id'], max_in_flight: 8 },
};

const TOKEN: Limits = {
  'token-address': address(3000, 1500),
  // Wrong secrets, codes and tokens. A device that polls for its grant fails every five seconds, which is allowed.
  // Not by client alone: anybody could then lock an application out by failing in its name.
  'token-failures': {
    key: ['address', 'client_id'],
    requests: 60,
    period_s: 60,
    burst: 30,
    count: 'failures',
    failures: { statuses: ['400', '401'] },
    missing: 'shared',
  },
};

/** The policies of each class that limit callers. */
export const LIMITS = {
  login: { rate_limit: { limits: LOGIN } },
  // Redirects and pages that people wait for.
  authorize: {
    rate_limit: {
      limits: {
        'authorize-address': address(600, 300),
        // Binds a login of v1 to its account before any form is sent (internal/auth/repository, auth_request.go).
        'authorize-login-hint': starts('form:login_hint'),
      },
    },
  },
  token: { rate_limit: { limits: TOKEN } },
  // Resource servers ask for every request of theirs.
  introspect: { rate_limit: { limits: { 'introspect-address': address(6000, 3000) } } },
  // A user code has eight characters and lives for minutes: at one a second nobody finds one.
  device: { rate_limit: { limits: { 'device-address': address(60, 30) } } },
  session: { rate_limit: { limits: SESSION }, concurrency_limit: { limits: SESSION_PLACES } },
  // A view of the Console is dozens of calls.
  api: {
    rate_limit: {
      limits: {
        'api-address': address(6000, 3000),
        'api-token': { key: ['bearer'], requests: 3000, period_s: 60, burst: 1500 },
      },
    },
  },
  // Minutes of work each.
  heavy: {
    rate_limit: { limits: { 'heavy-address': address(60, 30) } },
    concurrency_limit: { limits: { 'heavy-at-once': { key: ['address'], max_in_flight: 8 } } },
  },
  discovery: { rate_limit: { limits: { 'discovery-address': address(6000, 3000) } } },
  // The Console is about a hundred files.
  asset: { rate_limit: { limits: { 'asset-address': address(6000, 3000) } } },
  // Whoever looks for doors finds a wall.
  refused: { rate_limit: { limits: { 'refused-address': address(600, 300) } } },
} as const satisfies Record<string, PolicySettings>;
