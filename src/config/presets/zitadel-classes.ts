import type { Preset } from './preset.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

const form = (answer_ms: number, max_bytes: number) => ({ deadline: { answer_ms }, body_limit: { max_bytes } });

/** The limit classes of ZITADEL: who calls, how much they may send, how long an answer may take. */
export const CLASSES = {
  login: {
    what: 'pages and posts where people type secrets',
    // bcrypt at cost 14 takes about a second, more under load; Next.js caps server actions at 1 MiB.
    policies: form(30_000, MIB),
  },
  authorize: {
    what: 'start and end of OIDC and SAML flows, and what comes back from external identity providers',
    // A SAMLResponse with many attributes, base64 in a form.
    policies: form(30_000, 2 * MIB),
  },
  token: { what: 'the token endpoint: all grants, client secrets', policies: form(30_000, 256 * KIB) },
  introspect: {
    what: 'introspection, revocation, userinfo: called by resource servers',
    policies: form(15_000, 256 * KIB),
  },
  device: { what: 'the device flow: short user codes that can be guessed', policies: form(30_000, 64 * KIB) },
  session: {
    what: 'calls that check a secret, send a code or tell whether a user exists',
    policies: form(30_000, MIB),
  },
  // Nothing of its own, so that `policies` of the config reaches it: messages of 4 MiB and more must pass, streams last.
  api: { what: 'everything else of the APIs', policies: {} },
  heavy: { what: 'imports, exports and uploads: few, big and slow', policies: form(600_000, 1024 * MIB) },
  discovery: { what: 'public metadata that everybody fetches', policies: form(15_000, 64 * KIB) },
  asset: { what: 'static files, the Console', policies: form(30_000, 64 * KIB) },
  internal: { what: 'what is not for the public', policies: {} },
} as const satisfies Preset['classes'];

/** The name of a limit class of ZITADEL. */
export type ZitadelClass = keyof typeof CLASSES;
