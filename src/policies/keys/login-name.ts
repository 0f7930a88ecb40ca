import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import { upstreamPath } from '../../core/path.ts';
import { actionArgument } from './action-argument.ts';
import { calledBy } from './called.ts';
import { formField } from './form-fields.ts';
import { type KeyPart, UNREADABLE } from './key-part.ts';
import { messageReader } from './message.ts';
import { short } from './short.ts';

/** Login v1 (internal/api/ui/login/router.go): forms as Go reads them, and no server actions. */
const V1 = '/ui/login/';
/** Its form for LDAP, whose field has another name (internal/api/ui/login/ldap_handler.go). */
const LDAP = `${V1}login/ldap/callback`;

/**
 * The account that somebody wants to be:
 * - Login v1: `loginName` of POST /ui/login/loginname, which binds the attempt to the account
 *   (internal/api/ui/login/login_handler.go). The password form has a field of this name too, but ZITADEL reads only
 *   `authRequestID` there (password_handler.go, auth_request.go): limits on it take `form:authRequestID`.
 * - Login v2: `loginName` of the arguments of a server action (apps/login/src/lib/server/{loginname,password,otp}.ts).
 * - The session service: `checks.user.login_name` of CreateSession.
 * ZITADEL compares login names without regard to case, so does the key; composed and decomposed letters are the same.
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
      const isCall = calledBy(exchange, services.rpcs) !== undefined;
      const found = isCall ? body && ofMessage(exchange, body) : ofForm(exchange, body);
      if (found === undefined || found === UNREADABLE) return found;
      const name = found.trim().normalize('NFC').toLowerCase();
      return name === '' ? undefined : short(name);
    };
  },
};

function ofForm(exchange: Exchange, body: PeekedBody | undefined): string | undefined | typeof UNREADABLE {
  const { headers } = exchange.head;
  const path = upstreamPath(exchange.head.path, exchange.route.rewrite);
  if (path.startsWith(V1)) return formField(exchange, body, path === LDAP ? 'ldapusername' : 'loginName');
  const argument = body && actionArgument(exchange, body, 'loginName');
  // Next.js reads arguments from the body alone; the query is that of the page, which may be another user's.
  if (headers['next-action'] !== undefined) return argument;
  const field = formField(exchange, body, 'loginName');
  if (argument === undefined || field === undefined) return argument ?? field;
  return argument === field ? field : UNREADABLE;
}
