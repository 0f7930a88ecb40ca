import type { Preset } from './preset.ts';
import { LIMITS } from './zitadel-limits.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

const form = (answer_ms: number, max_bytes: number) => ({ deadline: { answer_ms }, body_limit: { max_bytes } });

/** The limit classes of ZITADEL: who calls, how much they may send, how long an answer may take. */
export const CLASSES = {
  login: {
    what: 'pages and posts where people type secrets',
    // bcrypt at cost 14 takes about a second, more under load; Next.js caps server actions at 1 MiB.
    policies: { ...form(30_000, MIB), ...LIMITS.login },
  },
  authorize: {
    what: 'start and end of OIDC and SAML flows, and what comes back from external identity providers',
    // A SAMLResponse with many attributes, base64 in a form.
    policies: { ...form(30_000, 2 * MIB), ...LIMITS.authorize },
  },
  token: {
    what: 'the token endpoint: all grants, client secrets',
    policies: { ...form(30_000, 256 * KIB), ...LIMITS.token },
  },
  introspect: {
    what: 'introspection, revocation, userinfo: called by resource servers',
    policies: { ...form(15_000, 256 * KIB), ...LIMITS.introspect },
  },
  device: {
    what: 'the device flow: short user codes that can be guessed',
    policies: { ...form(30_000, 64 * KIB), ...LIMITS.device },
  },
  session: {
    what: 'calls that check a secret, send a code or tell whether a user exists',
    policies: { ...form(30_000, MIB), ...LIMITS.session },
  },
  // No deadline and size of its own, so that `policies` of the config reaches it: messages of 4 MiB and more must pass, streams last.
  api: { what: 'everything else of the APIs', policies: LIMITS.api },
  heavy: {
    what: 'imports, exports and uploads: few, big and slow',
    policies: { ...form(600_000, 1024 * MIB), ...LIMITS.heavy },
  },
  discovery: {
    what: 'public metadata that everybody fetches',
    policies: { ...form(15_000, 64 * KIB), ...LIMITS.discovery },
  },
  asset: { what: 'static files, the Console', policies: { ...form(30_000, 64 * KIB), ...LIMITS.asset } },
  internal: { what: 'what is not for the public', policies: {} },
  refused: { what: 'requests that no route takes', policies: LIMITS.refused },
} as const satisfies Preset['classes'];

/** The name of a limit class of ZITADEL. */
export type ZitadelClass = keyof typeof CLASSES;
