import { Code } from '@connectrpc/connect';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import { originOf } from '../domain.ts';
import { failure } from '../rpc/call.ts';
import { IDS, USERS } from '../state.ts';
import { ORGANIZATION } from './admin.ts';
import { userV1 } from './auth.ts';
import { behaving } from './behaviour.ts';
import { LANGUAGES, listDetails } from './details.ts';

/** The Management API: the organization and its users, for reading. */
export const management = behaving(ManagementService, {
  healthz: () => ({}),
  getSupportedLanguages: () => ({ languages: LANGUAGES }),
  getOIDCInformation: (_request, { domain }) => ({
    issuer: originOf(domain),
    discoveryEndpoint: `${originOf(domain)}/.well-known/openid-configuration`,
  }),
  getIAM: () => ({ globalOrgId: IDS.organization, iamProjectId: IDS.project, defaultOrgId: IDS.organization }),
  getMyOrg: () => ({ org: ORGANIZATION }),
  listUsers: () => ({ details: listDetails(USERS.length), result: USERS.map(userV1) }),
  getUserByID: ({ id }, _caller, state) => {
    const user = state.userById(id);
    if (!user) throw failure(Code.NotFound, 'QUERY-Dfbg2', 'Errors.User.NotFound');
    return { user: userV1(user) };
  },
});
