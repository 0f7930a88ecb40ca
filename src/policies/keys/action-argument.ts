/** Arguments of a server action of Next.js, which is how the forms of Login v2 are sent. */

import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import { UNREADABLE } from './key-part.ts';
import { isMultipart, multipartFields } from './multipart.ts';

/** How react-server-dom writes a property that has no value. */
const NOT_SET = '$undefined';

/**
 * A text of that name in the arguments of a server action; undefined where the request is none or has no such text. The
 * call is named by `Next-Action`, or by a field of a multipart form without it. Its arguments are JSON as text/plain, or
 * several pieces of JSON and fields in multipart/form-data that refer to each other (react-server-dom, encodeReply), so
 * every property of the name counts wherever it stands, and two of them that differ are unreadable.
 */
export function actionArgument(
  exchange: Exchange,
  body: PeekedBody,
  name: string,
): string | undefined | typeof UNREADABLE {
  const { contentType, headers, method } = exchange.head;
  if (method !== 'POST' || body.bytes.length === 0) return undefined;
  const multipart = isMultipart(contentType);
  if (!multipart && headers['next-action'] === undefined) return undefined;
  if (!body.complete) return UNREADABLE;
  const found = new Set<string>();
  if (multipart) {
    const entries = multipartFields(contentType, body.bytes);
    if (entries === UNREADABLE) return UNREADABLE;
    for (const [field, value] of entries) {
      // Fields of a form among the arguments are `1_name`; a form of its own has `name`.
      if (field === name || field.endsWith(`_${name}`)) found.add(value);
      else if (/^\s*[[{]/.test(value) && !collect(value, name, found)) return UNREADABLE;
    }
  } else if (!collect(body.bytes.toString('utf8'), name, found)) return UNREADABLE;
  found.delete('');
  if (found.size > 1) return UNREADABLE;
  const [value] = found;
  // A text with `$` at its beginning is written with two; one with a single `$` stands somewhere else.
  if (value?.startsWith('$') !== true) return value;
  return value.startsWith('$$') ? value.slice(1) : UNREADABLE;
}

/** The first argument of a server action where it is a text and not an object; undefined where it is none. */
export function firstArgument({ head }: Exchange, body: PeekedBody): string | undefined {
  if (head.method !== 'POST' || head.headers['next-action'] === undefined || !body.complete) return undefined;
  try {
    const [first] = JSON.parse(body.bytes.toString('utf8')) as unknown[];
    return typeof first === 'string' && !first.startsWith('$') ? first : undefined;
  } catch {
    return undefined;
  }
}

/** Collects all texts that are properties of a name; false where the text is no JSON. Without recursion: it may be deep. */
function collect(text: string, name: string, found: Set<string>): boolean {
  const left: unknown[] = [];
  try {
    left.push(JSON.parse(text));
  } catch {
    return false;
  }
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      if (typeof inner === 'object') left.push(inner);
      if (key !== name) continue;
      if (typeof inner === 'string' && inner !== NOT_SET) found.add(inner);
      if (typeof inner === 'number') found.add(String(inner));
    }
  }
  return true;
}
