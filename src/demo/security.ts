import { randomInt } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';

/** Directives of a Content-Security-Policy. */
export type Policy = Readonly<Record<string, string>>;

/** The default policy of ZITADEL internal/api/http/middleware/csp.go. */
const DEFAULT_POLICY: Policy = {
  'default-src': "'none'",
  'script-src': "'self'",
  'object-src': "'none'",
  'style-src': "'self'",
  'img-src': "'self'",
  'media-src': "'none'",
  'frame-src': "'none'",
  'font-src': "'self'",
  'manifest-src': "'self'",
  'connect-src': "'self'",
};

/** The policy of the Console for a host: its own host may be called and shown, styles may be inline. */
export function consolePolicy(host: string): Policy {
  return {
    ...DEFAULT_POLICY,
    'style-src': "'self' 'unsafe-inline'",
    'script-src': "'self' 'unsafe-eval'",
    'connect-src': `'self' ${host}`,
    'img-src': `'self' ${host} blob:`,
  };
}

/** The policy of Login v1: scripts and styles need the nonce of this very answer. */
export function loginPolicy(nonce: string): Policy {
  return {
    ...DEFAULT_POLICY,
    'object-src': "'self'",
    'style-src': `'self' 'nonce-${nonce}'`,
    'script-src': `'self' 'nonce-${nonce}'`,
  };
}

/** The security headers of ZITADEL internal/api/http/middleware/security_headers.go; HSTS is sent over plain http too. */
export function securityHeaders(policy: Policy = DEFAULT_POLICY): OutgoingHttpHeaders {
  return {
    'content-security-policy': written(policy),
    'x-xss-protection': '1; mode=block',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'feature-policy': "payment 'none'",
    'permissions-policy': 'payment=()',
  };
}

/** The directives come from a Go map there, so their order differs from answer to answer. */
function written(policy: Policy): string {
  const directives = Object.entries(policy).map(([name, sources]) => `${name} ${sources}`);
  for (let i = directives.length - 1; i > 0; i -= 1) {
    const j = randomInt(i + 1);
    [directives[i], directives[j]] = [directives[j]!, directives[i]!];
  }
  return directives.join(';');
}
