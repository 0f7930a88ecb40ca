import { actionArgument } from './action-argument.ts';
import { type KeyPart, UNREADABLE } from './key-part.ts';
import { short } from './short.ts';

/** A text in the arguments of a server action of Login v2. */
export const action: KeyPart = {
  name: 'action',
  summary: 'A text in the arguments of a server action of Login v2: `action:sessionId`.',
  argument: 'a property',
  phase: 'body',
  chosenByClient: true,
  secret: false,
  compile(argument) {
    return (exchange, body) => {
      const value = body === undefined ? undefined : actionArgument(exchange, body, argument);
      return value === undefined || value === UNREADABLE ? value : short(value);
    };
  },
};
