import { formField } from './form-fields.ts';
import { type KeyPart, UNREADABLE } from './key-part.ts';
import { short } from './short.ts';

/** A field of a form body. */
export const form: KeyPart = {
  name: 'form',
  summary: 'A field of a form body: `form:authRequestID`.',
  argument: 'a field name',
  phase: 'body',
  chosenByClient: true,
  secret: false,
  compile(argument) {
    return (exchange, body) => {
      const value = body === undefined ? undefined : formField(exchange, body, argument);
      return value === undefined || value === UNREADABLE || value === '' ? value || undefined : short(value);
    };
  },
};
