/**
 * Header fields that pages get where ZITADEL sends none; what it sends stays untouched. The values are those of ZITADEL
 * (internal/api/http/middleware/security_headers.go), which sends them itself on Login v1 and the Console.
 */

import type { PolicySettings } from '../schema/policies.ts';

/** Only by https, RFC 6797 section 7.2. */
const default_https = { 'strict-transport-security': 'max-age=31536000; includeSubDomains' };

const PAGE = { 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' };
const OWN_PAGE = { ...PAGE, 'referrer-policy': 'same-origin' };

/** The Console. */
export const CONSOLE_HEADERS: PolicySettings = { headers: { answer: { default: OWN_PAGE, default_https } } };

/** Login v1: a page that was rendered may come without Cache-Control, and holds a nonce and a CSRF token. */
export const LOGIN_V1_HEADERS: PolicySettings = {
  headers: { answer: { default: { ...OWN_PAGE, 'cache-control': 'no-store' }, default_https } },
};

/**
 * Login v2, which posts SAML answers to service providers: with `Referrer-Policy: same-origin` those would see
 * `Origin: null` and may refuse it (Fetch, "append a request Origin header"). What browsers do without is good enough.
 */
export const LOGIN_V2_HEADERS: PolicySettings = { headers: { answer: { default: PAGE, default_https } } };
