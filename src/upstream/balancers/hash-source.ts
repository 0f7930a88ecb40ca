/** What is hashed of a request, as the config says it: `client`, `header:NAME` or `cookie:NAME`. */

import { cookiesNamed } from '../../core/cookies.ts';
import type { Exchange } from '../../core/exchange.ts';

/** What requests with the same value have in common; undefined where a request has nothing to go by. */
export type HashSource = (exchange: Pick<Exchange, 'client' | 'head' | 'raw'>) => string | undefined;

/** Longer values are cut: the client chose them. */
const MAX_LENGTH = 1024;

/** Reads a source; throws where it has another form. */
export function hashSource(text: string): HashSource {
  // Addresses of peers of an internal listener stand for many clients.
  if (text === 'client') return ({ client }) => (client.internal ? undefined : client.address);
  const [kind, name = ''] = text.split(':', 2);
  if (kind === 'header' && name !== '') {
    const field = name.toLowerCase();
    return ({ head }) => {
      const value = head.headers[field];
      return (Array.isArray(value) ? value[0] : value)?.slice(0, MAX_LENGTH);
    };
  }
  if (kind === 'cookie' && name !== '') return ({ raw }) => cookiesNamed(raw.fields, name)[0]?.slice(0, MAX_LENGTH);
  throw new Error(`not client, header:NAME or cookie:NAME: ${text}`);
}
