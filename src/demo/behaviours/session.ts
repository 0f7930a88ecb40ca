import { randomBytes } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { type Checks, SessionService } from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import { failure } from '../rpc/call.ts';
import { IDS, type SessionEntry, type State } from '../state.ts';
import { behaving } from './behaviour.ts';
import { changed, listDetails } from './details.ts';

/** The session service of Login v2: user and password are checked, wrong passwords are counted. */
export const session = behaving(SessionService, {
  listSessions: (_request, _caller, state) => {
    const sessions = [...state.sessions.values()].map((entry) => told(entry, state));
    return { details: listDetails(sessions.length), sessions };
  },
  getSession: ({ sessionId }, _caller, state) => ({ session: told(found(sessionId, state), state) }),
  createSession: ({ checks }, _caller, state) => {
    const now = state.now();
    const entry: SessionEntry = {
      id: state.newId(),
      createdAt: now,
      changedAt: now,
      token: '',
      loginName: '',
      passwordAt: undefined,
    };
    check(checks, entry, state);
    state.sessions.set(entry.id, entry);
    return { details: changed(state), sessionId: entry.id, sessionToken: entry.token };
  },
  setSession: ({ sessionId, checks }, _caller, state) => {
    const entry = found(sessionId, state);
    check(checks, entry, state);
    return { details: changed(state), sessionToken: entry.token };
  },
  deleteSession: ({ sessionId }, _caller, state) => {
    state.sessions.delete(found(sessionId, state).id);
    return { details: changed(state) };
  },
});

function found(id: string, state: State): SessionEntry {
  const entry = state.sessions.get(id);
  if (!entry) throw failure(Code.NotFound, 'QUERY-SAF3t', 'Errors.Session.NotExisting');
  return entry;
}

/** Runs the checks and gives the session a new token, as every change does. */
function check(checks: Checks | undefined, entry: SessionEntry, state: State): void {
  const search = checks?.user?.search;
  if (search?.case) {
    const user = search.case === 'userId' ? state.userById(search.value) : state.userByName(search.value);
    if (!user) throw failure(Code.NotFound, 'COMMAND-SFA3t', 'Errors.User.NotFound');
    entry.loginName = user.loginName;
  }
  if (checks?.password) {
    if (entry.loginName === '') throw failure(Code.FailedPrecondition, 'COMMAND-SFw3r', 'Errors.User.UserIDMissing');
    if (!state.checkPassword(entry.loginName, checks.password.password)) {
      throw failure(Code.InvalidArgument, 'COMMAND-3M0fs', 'Errors.User.Password.Invalid');
    }
    entry.passwordAt = state.now();
  }
  entry.changedAt = state.now();
  entry.token = randomBytes(48).toString('base64url');
}

function told(entry: SessionEntry, state: State) {
  const user = state.userByName(entry.loginName);
  return {
    id: entry.id,
    creationDate: timestampFromDate(entry.createdAt),
    changeDate: timestampFromDate(entry.changedAt),
    sequence: 1n,
    factors: {
      ...(user && {
        user: {
          verifiedAt: timestampFromDate(entry.createdAt),
          id: user.id,
          loginName: user.loginName,
          displayName: `${user.givenName} ${user.familyName}`,
          organizationId: IDS.organization,
        },
      }),
      ...(entry.passwordAt && { password: { verifiedAt: timestampFromDate(entry.passwordAt) } }),
    },
  };
}
