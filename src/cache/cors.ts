/** Cross-origin answers in a shared cache: Fetch standard, "CORS protocol and HTTP caches". */

import { getField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';

/**
 * `cors` where an answer says that one site may read it and does not say that others get another answer: the next site
 * would get this one. Undefined for all others.
 */
export function forOneSite(fields: Fields): 'cors' | undefined {
  const allowed = getField(fields, 'access-control-allow-origin');
  if (allowed === undefined || allowed === '*') return undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === 'vary' && /(?:^|[\s,])origin(?:$|[\s,])/i.test(fields[i + 1]!)) return undefined;
  }
  return 'cors';
}
