import { Code } from '@connectrpc/connect';
import { UserState } from '@zitadel/proto/zitadel/user/v2/user_pb.js';
import { AuthenticationMethodType, UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import { failure } from '../rpc/call.ts';
import { type State, USERS, type UserEntry } from '../state.ts';
import { behaving } from './behaviour.ts';
import { changed, details, listDetails } from './details.ts';

/** The code that every verification takes. */
const RIGHT_CODE = 'ABC123';

/** The user service: reads, and the checks of codes that people guess at. */
export const user = behaving(UserService, {
  getUserByID: ({ userId }, _caller, state) => ({ details: details(), user: told(found(userId, state)) }),
  listUsers: () => ({ details: listDetails(USERS.length), result: USERS.map(told) }),
  listAuthenticationMethodTypes: ({ userId }, _caller, state) => {
    found(userId, state);
    return { details: listDetails(1), authMethodTypes: [AuthenticationMethodType.PASSWORD] };
  },
  passwordReset: ({ userId, medium }, _caller, state) => {
    found(userId, state);
    return { details: changed(state), ...(medium.case === 'returnCode' && { verificationCode: RIGHT_CODE }) };
  },
  setPassword: ({ userId, verification }, _caller, state) => {
    const { loginName } = found(userId, state);
    if (verification.case === 'currentPassword' && !state.checkPassword(loginName, verification.value)) {
      throw failure(Code.InvalidArgument, 'COMMAND-3M0fs', 'Errors.User.Password.Invalid');
    }
    if (verification.case === 'verificationCode') checkCode(loginName, verification.value, state);
    return { details: changed(state) };
  },
  verifyEmail: ({ userId, verificationCode }, _caller, state) => {
    checkCode(found(userId, state).loginName, verificationCode, state);
    return { details: changed(state) };
  },
  verifyTOTPRegistration: ({ userId, code }, _caller, state) => {
    checkCode(found(userId, state).loginName, code, state);
    return { details: changed(state) };
  },
});

function found(id: string, state: State): UserEntry {
  const entry = state.userById(id);
  if (!entry) throw failure(Code.NotFound, 'QUERY-Dfbg2', 'Errors.User.NotFound');
  return entry;
}

function checkCode(loginName: string, code: string, state: State): void {
  if (code === RIGHT_CODE) return;
  state.wrongAttempts.set(loginName, (state.wrongAttempts.get(loginName) ?? 0) + 1);
  throw failure(Code.InvalidArgument, 'CODE-woT0xc', 'Errors.User.Code.Invalid');
}

function told(entry: UserEntry) {
  return {
    userId: entry.id,
    details: details(),
    state: UserState.ACTIVE,
    username: entry.loginName,
    loginNames: [entry.loginName],
    preferredLoginName: entry.loginName,
    type: {
      case: 'human' as const,
      value: {
        userId: entry.id,
        state: UserState.ACTIVE,
        username: entry.loginName,
        profile: { givenName: entry.givenName, familyName: entry.familyName },
        email: { email: entry.email, isVerified: true },
      },
    },
  };
}
