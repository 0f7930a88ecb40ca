import { actionArgument } from './action-argument.ts';
import { formField } from './form-fields.ts';
import { type KeyPart, UNREADABLE } from './key-part.ts';
import { messageReader } from './message.ts';
import { short } from './short.ts';

/**
 * The user code of the device flow (RFC 8628 section 6.1) as somebody typed it, wherever it is typed: query or form field
 * `user_code` of Login v1 (internal/api/ui/login/device_auth.go), a server action of Login v2, the RPC that looks it up.
 */
export const userCode: KeyPart = {
  name: 'user_code',
  summary: 'The user code of the device flow, in the query, forms, Login v2 and the RPC that looks it up.',
  argument: undefined,
  phase: 'body',
  chosenByClient: true,
  secret: true,
  compile(_argument, services) {
    const ofMessage = messageReader('user_code', services, true);
    return (exchange, body) => {
      const query = exchange.raw.target.split('?')[1];
      let found: string | undefined | typeof UNREADABLE =
        query === undefined ? undefined : (new URLSearchParams(query).get('user_code') ?? undefined);
      if (found === undefined && body !== undefined)
        found =
          formField(exchange, body, 'user_code') ??
          actionArgument(exchange, body, 'userCode') ??
          ofMessage(exchange, body);
      if (found === undefined || found === UNREADABLE) return found;
      // Case and separators are for people.
      const code = found.replace(/[^0-9a-z]/gi, '').toUpperCase();
      return code === '' ? undefined : short(code);
    };
  },
};
