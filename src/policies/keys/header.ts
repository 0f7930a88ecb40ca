import { fieldName, getField } from '../../core/headers.ts';
import type { KeyPart } from './key-part.ts';
import { short } from './short.ts';

/** A header field of the request, its first value. */
export const header: KeyPart = {
  name: 'header',
  summary: 'A header field: `header:x-api-key`.',
  argument: 'a field name',
  phase: 'head',
  chosenByClient: true,
  secret: false,
  compile(argument) {
    const name = argument.toLowerCase();
    if (!fieldName(name)) throw new Error(`expected the name of a header field, not '${argument}'`);
    if (name === 'authorization' || name === 'cookie')
      throw new Error(`${name} holds secrets: expected \`bearer\`, \`client_id\` or \`cookie:NAME\``);
    return ({ raw }) => {
      const value = getField(raw.fields, name);
      return value === undefined ? undefined : short(value);
    };
  },
};
