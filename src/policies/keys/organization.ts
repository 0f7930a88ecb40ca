import { getField } from '../../core/headers.ts';
import type { KeyPart } from './key-part.ts';
import { short } from './short.ts';

/** The organization that a call names, `x-zitadel-orgid`. */
export const organization: KeyPart = {
  name: 'organization',
  summary: 'The organization that a call names in `x-zitadel-orgid`.',
  argument: undefined,
  phase: 'head',
  chosenByClient: true,
  secret: false,
  compile:
    () =>
    ({ raw }) => {
      const value = getField(raw.fields, 'x-zitadel-orgid');
      return value === undefined || value === '' ? undefined : short(value);
    },
};
