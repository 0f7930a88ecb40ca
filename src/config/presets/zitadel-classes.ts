import type { Preset } from './preset.ts';
import { LIMITS } from './zitadel-limits.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

const form = (answer_ms: number, max_bytes: number) => ({ deadline: { answer_ms }, body_limit: { max_bytes } });

/** Only for classes that send no secret beside what somebody else had reflected: docs/compression.md. */
const COMPRESSED = { compress: {} };

/** The limit classes of ZITADEL: who calls, how much they may send, how long an answer may take. */
export const CLASSES = {
  login: {
    what: 'pages and posts where people type secrets',
    priority: 'critical',
    // bcrypt at cost 14 takes about a second, more under load; Next.js caps server actions at 1 MiB.
    policies: { ...form(30_000, MIB), ...LIMITS.login },
  },
  authorize: {
    what: 'start and end of OIDC and SAML flows, and what comes back from external identity providers',
    priority: 'critical',
    // A SAMLResponse with many attributes, base64 in a form.
    policies: { ...form(30_000, 2 * MIB), ...LIMITS.authorize },
  },
  token: {
    what: 'the token endpoint: all grants, client secrets',
    priority: 'critical',
    policies: { ...form(30_000, 256 * KIB), ...LIMITS.token },
  },
  introspect: {
    what: 'introspection, revocation, userinfo: called by resource servers',
    priority: 'high',
    policies: { ...form(15_000, 256 * KIB), ...LIMITS.introspect },
  },
  device: {
    what: 'the device flow: short user codes that can be guessed',
    priority: 'critical',
    policies: { ...form(30_000, 64 * KIB), ...LIMITS.device },
  },
  session: {
    what: 'calls that check a secret, send a code or tell whether a user exists',
    priority: 'critical',
    policies: { ...form(30_000, MIB), ...LIMITS.session },
  },
  // No deadline and size of its own, so that `policies` of the config reaches it: messages of 4 MiB and more must pass, streams last.
  // Compressed: what authorises an API call is a bearer token, which no other site can make a browser send.
  api: { what: 'everything else of the APIs', policies: { ...COMPRESSED, ...LIMITS.api } },
  heavy: {
    what: 'imports, exports and uploads: few, big and slow',
    priority: 'low',
    policies: { ...form(600_000, 1024 * MIB), ...LIMITS.heavy },
  },
  discovery: {
    what: 'public metadata that everybody fetches',
    priority: 'high',
    policies: { ...form(15_000, 64 * KIB), ...COMPRESSED, ...LIMITS.discovery },
  },
  asset: {
    what: 'static files, the Console',
    priority: 'low',
    policies: { ...form(30_000, 64 * KIB), ...COMPRESSED, ...LIMITS.asset },
  },
  internal: { what: 'what is not for the public', priority: 'exempt', policies: {} },
  refused: { what: 'requests that no route takes', policies: LIMITS.refused },
} as const satisfies Preset['classes'];

/** The name of a limit class of ZITADEL. */
export type ZitadelClass = keyof typeof CLASSES;
