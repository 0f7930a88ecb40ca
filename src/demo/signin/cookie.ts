import { randomBytes } from 'node:crypto';
import type { Visit } from '../visit.ts';

/** The name of a cookie; `__Host-` when sent over https only (ZITADEL internal/api/http/cookie.go). */
export function cookieName(name: string, secure: boolean): string {
  return secure ? `__Host-${name}` : name;
}

/** A Set-Cookie value for the whole host. */
export function cookie(name: string, value: string, maxAgeS: number, secure: boolean): string {
  const attributes = ['Path=/', `Max-Age=${maxAgeS}`, 'HttpOnly', ...(secure ? ['Secure'] : []), 'SameSite=Lax'];
  return [`${cookieName(name, secure)}=${value}`, ...attributes].join('; ');
}

/** The headers that give a browser the id it is known by for a year, when it has none yet. */
export function userAgentCookie(visit: Visit, secure: boolean): { vary: string; 'set-cookie'?: string[] } {
  if (visit.cookie(cookieName('zitadel.useragent', secure)) !== '') return { vary: 'Cookie' };
  const value = cookie('zitadel.useragent', randomBytes(24).toString('base64url'), 31_536_000, secure);
  return { vary: 'Cookie', 'set-cookie': [value] };
}
