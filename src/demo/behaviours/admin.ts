import { AdminService } from '@zitadel/proto/zitadel/admin_pb.js';
import { State as InstanceState } from '@zitadel/proto/zitadel/instance_pb.js';
import { OrgState } from '@zitadel/proto/zitadel/org_pb.js';
import { requestedHost } from '../domain.ts';
import { IDS } from '../state.ts';
import { behaving } from './behaviour.ts';
import { details, LANGUAGES, listDetails } from './details.ts';

/** The organization that everything belongs to, as the v1 services tell it. */
export const ORGANIZATION = {
  id: IDS.organization,
  details: details(),
  state: OrgState.ACTIVE,
  name: 'ZITADEL',
  primaryDomain: 'zitadel.localhost',
};

/** The Admin API: one instance with one organization. */
export const admin = behaving(AdminService, {
  healthz: () => ({}),
  getSupportedLanguages: () => ({ languages: LANGUAGES }),
  getAllowedLanguages: () => ({ languages: LANGUAGES }),
  getDefaultLanguage: () => ({ language: 'en' }),
  getDefaultOrg: () => ({ org: ORGANIZATION }),
  listOrgs: () => ({ details: listDetails(1), result: [ORGANIZATION] }),
  getMyInstance: (_request, { domain }) => ({
    instance: {
      id: IDS.instance,
      details: details(),
      state: InstanceState.RUNNING,
      name: 'ZITADEL',
      version: 'v4.17.0',
      domains: [{ domain: requestedHost(domain), primary: true }],
    },
  }),
});
