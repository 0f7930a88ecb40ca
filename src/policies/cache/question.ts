/** What the cache asks: the key of a request, and the fields that go upstream where the store has no answer. */

import type { CacheKey } from '../../cache/stored.ts';
import { SURROGATE_CONTROL } from '../../cache/surrogate-control.ts';
import { varyOf } from '../../cache/vary.ts';
import type { Exchange } from '../../core/exchange.ts';
import { getField } from '../../core/headers.ts';
import type { Fields } from '../../core/raw.ts';
import type { CacheOptions } from './options.ts';
import type { Release } from './release.ts';

/** One request, as far as its answer depends on it. */
export interface Question {
  readonly key: CacheKey;
  /** What goes upstream, without conditions; what Vary is compared with. */
  readonly fields: Fields;
}

/** Fields by which a client asks for something else than the whole answer, or for another coding of it. */
const NEVER_SENT = new Set([
  'accept-encoding',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  // Those of the gateway, which speaks for many.
  'cache-control',
  'connection',
  'expect',
  'pragma',
  'te',
  'traceparent',
  'tracestate',
  'baggage',
]);

const CREDENTIALS = new Set(['authorization', 'cookie']);

/** Makes the questions of a route. */
export function asker(
  route: string,
  { request_fields, credentials, query, targeted_fields }: CacheOptions,
  release: Release | undefined,
): (exchange: Exchange) => Question {
  const only = request_fields === 'all' ? undefined : new Set(request_fields);
  const goes = (name: string): boolean => {
    if (NEVER_SENT.has(name)) return false;
    if (CREDENTIALS.has(name)) return credentials === 'rfc9111';
    // Where the gateway is the surrogate it says so itself.
    if (name === 'surrogate-capability' && targeted_fields.includes(SURROGATE_CONTROL)) return false;
    return only === undefined || only.has(name);
  };
  return ({ raw, head, client }) => {
    const fields: Fields = [];
    for (let i = 0; i < raw.fields.length; i += 2) {
      const name = raw.fields[i]!;
      if (goes(name)) fields.push(name, raw.fields[i + 1]!);
    }
    return {
      key: {
        route,
        scheme: client.scheme,
        host: raw.authority,
        target: release?.target(head.path) ?? (query === 'drop' ? raw.target.split('?', 1)[0]! : raw.target),
      },
      fields,
    };
  };
}

/** What a request says of itself where that goes upstream, as one text; of credentials only that there are some. */
export function among({ fields }: Question, keyedBy: readonly string[]): string {
  const credentials = [...CREDENTIALS].filter((name) => getField(fields, name) !== undefined);
  const said = keyedBy.length === 0 ? [] : varyOf([], fields, keyedBy)!.map(([, value]) => value);
  const all = [...credentials, ...said];
  return all.every((value) => value === '') ? '' : all.join('\n');
}

/** The request can only be answered from a whole stored answer: a part of it, or a condition on it. */
export function wantsWhole(fields: Fields): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name === 'range' || (name.charCodeAt(0) === 0x69 && name.startsWith('if-'))) return true;
  }
  return false;
}

/**
 * Peers of a listener with `trust: internal` may name another instance than the host says. Strangers cannot, but what
 * they say of it makes their request no worse than one that passes the cache by.
 */
export function namesInstance(fields: Fields): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.charCodeAt(0) !== 0x78) continue; // x
    if (name === 'x-forwarded-host' || (name.startsWith('x-zitadel-') && name !== 'x-zitadel-orgid')) return true;
  }
  return false;
}

/** The length that an answer tells; undefined where it tells none. */
export function toldLength(fields: Fields): number | undefined {
  const text = getField(fields, 'content-length');
  return text === undefined ? undefined : Number(text);
}
