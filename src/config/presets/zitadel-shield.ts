/** What the shield refuses on every route of the preset, and which bodies the routes take. */

import type { PolicySettings } from '../schema/policies.ts';

type Shield = Exclude<PolicySettings['shield'], false | undefined>;

/**
 * The calls that need permissions across instances (system.*) in any version: proto/zitadel/instance of ZITADEL. Reading
 * and changing the own instance stays open.
 */
const CROSS_INSTANCE = [
  'ListInstances',
  'CreateInstance',
  'AddInstance',
  'DeleteInstance',
  'RemoveInstance',
  'AddCustomDomain',
  'RemoveCustomDomain',
]
  .map((method) => `zitadel.instance.*.InstanceService/${method}`)
  // Features of the whole system, not of an instance: proto/zitadel/feature.
  .concat(
    ['SetSystemFeatures', 'ResetSystemFeatures', 'GetSystemFeatures'].map((method) => `zitadel.feature.*/${method}`),
  );

/** The rules of every route; rows that open one of these groups switch its rule off. */
export const SHIELD = {
  rpcs: {
    system: { match: ['zitadel.system.*'], deny: true },
    debug: { match: ['*debug*'], deny: true },
    'cross-instance': { match: CROSS_INSTANCE, deny: true },
  },
} satisfies Shield;

/** Switches a rule off, on routes that are opened by their group. */
export const lifted = (rule: keyof typeof SHIELD.rpcs): PolicySettings => ({ shield: { rpcs: { [rule]: false } } });

const takes = (...content_types: string[]): { policies: { shield: Shield } } => ({
  policies: { shield: { content_types } },
});

const URLENCODED = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data';

/** OAuth reads its parameters with Go's ParseForm, which takes this type only. */
export const FORM = takes(URLENCODED);
/** Pages of Login v1. */
export const LOGIN_FORM = takes(URLENCODED, MULTIPART);
/** Server actions of Next.js: text, or parts where there are files; and its own handlers. */
export const SERVER_ACTIONS = takes('text/plain', 'text/x-component', MULTIPART, URLENCODED, 'application/json');
/** The POST binding, and SOAP of attribute queries and back-channel logout. */
export const SAML = takes(URLENCODED, 'text/xml', 'application/xml', 'application/soap+xml');
/** Files by form: r.FormFile of internal/api/assets. */
export const UPLOAD = takes(MULTIPART);
/** RFC 7644 section 3.1, and what ZITADEL takes beside it. */
export const SCIM_TYPES = ['application/scim+json', 'application/json'];
