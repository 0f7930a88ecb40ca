import { getField } from '../../core/headers.ts';
import type { Connection } from '../../core/raw.ts';
import type { KeyPart } from './key-part.ts';
import { hashed } from './short.ts';

/** The bearer token of the request as a hash, RFC 6750 section 2.1. The gateway does not verify it. */
export const bearer: KeyPart = {
  name: 'bearer',
  summary: 'The bearer token, hashed and not verified.',
  argument: undefined,
  phase: 'head',
  chosenByClient: true,
  secret: true,
  compile() {
    // A connection has one token for long: its hash is made once. It is forgotten with the connection.
    const hashes = new WeakMap<Connection, { readonly value: string; readonly key: string }>();
    return ({ raw }) => {
      const value = getField(raw.fields, 'authorization');
      if (value === undefined) return undefined;
      const known = hashes.get(raw.connection);
      if (known?.value === value) return known.key;
      const token = /^bearer +(\S+)$/i.exec(value)?.[1];
      if (token === undefined) return undefined;
      const key = hashed(token);
      hashes.set(raw.connection, { value, key });
      return key;
    };
  },
};
