/** The head of a request as HTTP/2 spells it: whether it is well-formed, RFC 9113 sections 8.2 and 8.3. */

import type { IncomingHttpHeaders } from 'node:http2';
import type { Fields } from '../../../core/raw.ts';
import { goodName, goodValue, SINGLE } from '../../../http2/field-rules.ts';

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
const PATH = /^[\x21-\x7e\x80-\xff]+$/;
/** Characters of RFC 3986 section 3.2 without userinfo; whether they make an authority is looked at later, and answered. */
const AUTHORITY = /^[A-Za-z0-9!$%&'()*+,\-.:;=[\]_~]+$/;
const DIGITS = /^[0-9]{1,15}$/;

/** Fields by name, pseudo-headers too: the form that a request's reader wants; undefined where it is malformed. */
export function readHead(fields: Fields, ended: boolean): IncomingHttpHeaders | undefined {
  const headers: Record<string, string | undefined> = { __proto__: null } as never;
  let at = 0;
  for (; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (name.charCodeAt(0) !== 0x3a) break;
    if (headers[name] !== undefined || !goodPseudo(name, fields[at + 1]!)) return undefined;
    headers[name] = fields[at + 1]!;
  }
  if (!goodTarget(headers)) return undefined;
  for (; at < fields.length; at += 2) {
    const name = fields[at]!;
    const value = fields[at + 1]!;
    // A pseudo-header behind fields is no good name either.
    if (!goodName(name) || !goodValue(value)) return undefined;
    if (!goodField(name, value, ended)) return undefined;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (name === 'cookie') headers[name] = `${before}; ${value}`;
    else if (name === 'content-length' || name === 'host') return undefined;
    else if (!SINGLE.has(name)) headers[name] = `${before}, ${value}`;
  }
  if (headers[':authority'] === undefined && headers.host === undefined) return undefined;
  return headers as IncomingHttpHeaders;
}

/** Whether a list is one of trailers: RFC 9113 section 8.1. */
export function goodTrailers(fields: Fields): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    if (!goodName(name) || !goodValue(value) || name === 'content-length' || !goodField(name, value, true))
      return false;
  }
  return true;
}

function goodPseudo(name: string, value: string): boolean {
  switch (name) {
    case ':method':
      return METHOD.test(value);
    case ':scheme':
      return SCHEME.test(value);
    case ':path':
      return PATH.test(value);
    case ':authority':
      return AUTHORITY.test(value);
    default:
      // RFC 8441 is not offered, so that `:protocol` is as unknown as any other.
      return false;
  }
}

/** Section 8.3.1; CONNECT has an authority and nothing else: section 8.5. */
function goodTarget(headers: Record<string, string | undefined>): boolean {
  const method = headers[':method'];
  const path = headers[':path'];
  if (method === undefined) return false;
  if (method === 'CONNECT') {
    return headers[':scheme'] === undefined && path === undefined && headers[':authority'] !== undefined;
  }
  if (headers[':scheme'] === undefined || path === undefined) return false;
  return path.charCodeAt(0) === 0x2f || (path === '*' && method === 'OPTIONS');
}

/** Fields that HTTP/2 itself reads. */
function goodField(name: string, value: string, ended: boolean): boolean {
  switch (name) {
    case 'te':
      return value.toLowerCase() === 'trailers';
    case 'host':
      return AUTHORITY.test(value);
    case 'content-length':
      return DIGITS.test(value) && (!ended || Number(value) === 0);
    default:
      return true;
  }
}
