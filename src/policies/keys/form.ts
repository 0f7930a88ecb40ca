import { formField } from './form-fields.ts';
import { type KeyPart, UNREADABLE } from './key-part.ts';
import { short } from './short.ts';

/** A field of a form: of its body or the query, as servers take both. */
export const form: KeyPart = {
  name: 'form',
  summary: 'A field of a form, in the body or the query: `form:authRequestID`.',
  argument: 'a field name',
  phase: 'body',
  chosenByClient: true,
  secret: false,
  compile(argument) {
    return (exchange, body) => {
      const value = formField(exchange, body, argument);
      return value === undefined || value === UNREADABLE ? value : short(value);
    };
  },
};
