import { AuthService } from '@zitadel/proto/zitadel/auth_pb.js';
import { UserState } from '@zitadel/proto/zitadel/user_pb.js';
import { USERS, type UserEntry } from '../state.ts';
import { behaving } from './behaviour.ts';
import { details, LANGUAGES, SET_UP } from './details.ts';

/** A user as the v1 services tell it. */
export function userV1(user: UserEntry) {
  return {
    id: user.id,
    details: details(),
    state: UserState.ACTIVE,
    userName: user.loginName,
    loginNames: [user.loginName],
    preferredLoginName: user.loginName,
    type: { case: 'human' as const, value: { profile: profile(user), email: { email: user.email } } },
  };
}

/** The Auth API: whoever has a token is the first user. */
export const auth = behaving(AuthService, {
  healthz: () => ({}),
  getSupportedLanguages: () => ({ languages: LANGUAGES }),
  getMyUser: () => ({ user: userV1(USERS[0]!), lastLogin: SET_UP }),
  getMyProfile: () => ({ details: details(), profile: profile(USERS[0]!) }),
  listMyZitadelPermissions: () => ({ result: ['iam.read', 'iam.write', 'org.read', 'org.write', 'user.read'] }),
});

function profile(user: UserEntry) {
  return {
    firstName: user.givenName,
    lastName: user.familyName,
    displayName: `${user.givenName} ${user.familyName}`,
    preferredLanguage: 'en',
  };
}
