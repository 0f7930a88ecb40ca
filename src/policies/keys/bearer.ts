import { getField } from '../../core/headers.ts';
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
  compile:
    () =>
    ({ raw }) => {
      const value = getField(raw.fields, 'authorization');
      const token = value === undefined ? undefined : /^bearer +(\S+)$/i.exec(value)?.[1];
      return token === undefined ? undefined : hashed(token);
    },
};
