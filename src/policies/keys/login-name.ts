import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import { actionArgument } from './action-argument.ts';
import { formField, isForm } from './form-fields.ts';
import { type KeyPart, UNREADABLE } from './key-part.ts';
import { messageReader } from './message.ts';
import { short } from './short.ts';

/**
 * The account that somebody wants to be:
 * - Login v1: `loginName` of POST /ui/login/loginname, which binds the attempt to the account. The password form has a
 *   field of this name too, but ZITADEL reads only `authRequestID` there (internal/api/ui/login/password_handler.go):
 *   limits on it take `form:authRequestID`.
 * - Login v2: `loginName` of the first argument of a server action (apps/login/src/lib/server/{loginname,password}.ts).
 * - The session service: `checks.user.login_name` of CreateSession.
 * ZITADEL compares login names without regard to case, so does the key.
 */
export const loginName: KeyPart = {
  name: 'login_name',
  summary: 'The account that somebody wants to be, in the forms of Login v1 and v2 and in CreateSession.',
  argument: undefined,
  phase: 'body',
  chosenByClient: true,
  secret: false,
  compile(_argument, services) {
    const ofMessage = messageReader('checks.user.login_name', services, true);
    return (exchange, body) => {
      const found = body === undefined ? undefined : (ofBody(exchange, body) ?? ofMessage(exchange, body));
      if (found === undefined || found === UNREADABLE) return found;
      const name = found.trim().normalize('NFC').toLowerCase();
      return name === '' ? undefined : short(name);
    };
  },
};

function ofBody(exchange: Exchange, body: PeekedBody): string | undefined | typeof UNREADABLE {
  if (isForm(exchange)) return formField(exchange, body, 'loginName');
  return actionArgument(exchange, body, 'loginName');
}
