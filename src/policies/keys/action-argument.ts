/** Arguments of a server action of Next.js, which is how the forms of Login v2 are sent. */

import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import { UNREADABLE } from './key-part.ts';

/**
 * A text of the first argument of a server action; undefined where the request is none or has no such text. The call is
 * named by `Next-Action`; its arguments are a JSON array as text/plain, or fields of multipart/form-data
 * (react-server-dom, encodeReply), where `$` at the beginning of a text is written twice.
 */
export function actionArgument(
  exchange: Exchange,
  body: PeekedBody,
  name: string,
): string | undefined | typeof UNREADABLE {
  const { head } = exchange;
  if (head.method !== 'POST' || head.headers['next-action'] === undefined) return undefined;
  if (!body.complete) return UNREADABLE;
  if (/^multipart\/form-data/i.test(head.contentType)) return ofMultipart(head.contentType, body.bytes, name);
  return ofJson(body.bytes.toString('utf8'), name);
}

function ofJson(text: string, name: string): string | undefined | typeof UNREADABLE {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return UNREADABLE;
  }
  const [first] = Array.isArray(value) ? value : [value];
  if (typeof first !== 'object' || first === null) return undefined;
  const found = (first as Record<string, unknown>)[name];
  if (typeof found !== 'string') return undefined;
  // A text that begins with `$` and is not escaped refers to another part: which one is not followed here.
  if (found.startsWith('$')) return found.startsWith('$$') ? found.slice(1) : UNREADABLE;
  return found;
}

/** Parts are `name`, `1_name` or, for an argument that is an object, `0` with its JSON; RFC 7578. */
function ofMultipart(contentType: string, bytes: Buffer, name: string): string | undefined | typeof UNREADABLE {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return UNREADABLE;
  const found: (string | typeof UNREADABLE)[] = [];
  for (const part of bytes.toString('utf8').split(`--${mark}`).slice(1)) {
    const split = part.indexOf('\r\n\r\n');
    if (split === -1) continue;
    const field = /^content-disposition:[^\r\n]*;\s*name="((?:[^"\\]|\\.)*)"/im.exec(part.slice(0, split))?.[1];
    const value = part.slice(split + 4).replace(/\r\n$/, '');
    if (field === name || field?.endsWith(`_${name}`) === true) found.push(value);
    if (field !== undefined && /^\d+$/.test(field)) {
      const inner = /^\s*[[{]/.test(value) ? ofJson(value, name) : undefined;
      if (inner !== undefined) found.push(inner);
    }
  }
  if (found.length === 0) return undefined;
  return found.every((value) => value === found[0]) ? found[0] : UNREADABLE;
}
