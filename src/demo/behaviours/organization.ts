import { OrganizationState } from '@zitadel/proto/zitadel/org/v2/org_pb.js';
import { OrganizationService } from '@zitadel/proto/zitadel/org/v2/org_service_pb.js';
import { ORGANIZATION } from './admin.ts';
import { behaving } from './behaviour.ts';
import { details, listDetails } from './details.ts';

/** The organization service: the one organization. */
export const organization = behaving(OrganizationService, {
  listOrganizations: () => ({
    details: listDetails(1),
    result: [
      {
        id: ORGANIZATION.id,
        details: details(),
        state: OrganizationState.ACTIVE,
        name: ORGANIZATION.name,
        primaryDomain: ORGANIZATION.primaryDomain,
      },
    ],
  }),
});
