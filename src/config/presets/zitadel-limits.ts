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

/**
 * Guesses at one account: ten at once, then one in 15 seconds, whoever makes them. A device that succeeded lately has a
 * count of its own: strangers cannot lock its user out.
 */
const guesses = (key: string, known: string, statuses?: string[]) => ({
  key: [key],
  requests: 20,
  period_s: 300,
  burst: 10,
  count: 'failures' as const,
  known: { by: [known], for_s: 604_800 },
  ...(statuses !== undefined && { failures: { statuses }, methods: ['POST'] }),
});

/** Who has used Login v1 before (internal/api/http/middleware/user_agent_cookie.go); `__Host-` where it is secure. */
const USER_AGENT = 'cookie:__Host-zitadel.useragent|zitadel.useragent';

/**
 * Login v1 answers a wrong password with its page and 200, a right one with 302 or with the page of the next step; Login
 * v2 answers everything with 200. So 200 counts: for some logins one too many, which ten at once have room for.
 */
const PAGE_AGAIN = ['200', '4xx'];

const LOGIN: Limits = {
  'login-address': address(600, 300),
  'login-posts-address': { ...address(300, 300), methods: ['POST'] },
  'login-account': guesses('login_name', USER_AGENT, PAGE_AGAIN),
  // The password form of Login v1 is bound to its account by this field, not by the name in it.
  'login-auth-request': guesses('form:authRequestID', USER_AGENT, PAGE_AGAIN),
};

const SESSION: Limits = {
  'session-address': address(600, 300),
  'session-account': guesses('login_name', 'address'),
  'session-user-id': guesses('message:checks.user.user_id', 'address'),
  // SetSession checks secrets of a session that exists; the others those of a user.
  'session-session': guesses('message:session_id', 'address'),
  'session-user': guesses('message:user_id', 'address'),
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
  authorize: { rate_limit: { limits: { 'authorize-address': address(600, 300) } } },
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
