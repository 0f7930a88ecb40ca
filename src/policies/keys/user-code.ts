import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import { actionArgument, firstArgument } from './action-argument.ts';
import { calledBy } from './called.ts';
import { formField } from './form-fields.ts';
import { type KeyPart, UNREADABLE } from './key-part.ts';
import { messageReader } from './message.ts';
import { hashed } from './short.ts';

/**
 * The user code of the device flow (RFC 8628 section 6.1) as somebody typed it, wherever it is typed: query or form field
 * `user_code` of Login v1 (internal/api/ui/login/device_auth.go), a server action of Login v2
 * (apps/login/src/components/device-code-form.tsx), the RPC that looks it up.
 */
export const userCode: KeyPart = {
  name: 'user_code',
  summary: 'The user code of the device flow, hashed; in the query, forms, Login v2 and the RPC that looks it up.',
  argument: undefined,
  phase: 'body',
  chosenByClient: true,
  secret: true,
  compile(_argument, services) {
    const ofMessage = messageReader('user_code', services, true);
    return (exchange, body) => {
      const isCall = calledBy(exchange, services.rpcs) !== undefined;
      const found = isCall ? body && ofMessage(exchange, body) : ofForm(exchange, body);
      if (found === undefined || found === UNREADABLE) return found;
      // Case and separators are for people.
      const code = found.replace(/[^0-9a-z]/gi, '').toUpperCase();
      return code === '' ? undefined : hashed(code);
    };
  },
};

function ofForm(exchange: Exchange, body: PeekedBody | undefined): string | undefined | typeof UNREADABLE {
  if (body === undefined || exchange.head.headers['next-action'] === undefined)
    return formField(exchange, body, 'user_code');
  return firstArgument(exchange, body) ?? actionArgument(exchange, body, 'userCode');
}
