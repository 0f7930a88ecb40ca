import { z } from 'zod';
import { name } from './name.ts';

/** Groups of internal paths that can be opened, with what they are. */
const INTERNAL_GROUPS = {
  debug: '/debug/* (pprof and the like)',
  metrics: '/debug/metrics (Prometheus)',
  system: '/system/v1/* and the System API, which crosses instances',
  health: '/debug/healthz, /debug/ready, /debug/validate, /healthz, gRPC health, probes of Login v2',
  debug_events: 'the debug_events service',
  instances: 'calls of the instance service that cross instances: list, create, delete, custom domains',
} as const;

/** The name of a group of internal paths. */
export type InternalGroup = keyof typeof INTERNAL_GROUPS;

const GROUPS = Object.keys(INTERNAL_GROUPS) as [InternalGroup, ...InternalGroup[]];

const options = z.strictObject({
  name: z
    .enum(['zitadel', 'none'])
    .default('zitadel')
    .describe('`zitadel` for the route table of ZITADEL, `none` for none.'),
  upstream: name.default('zitadel').describe('Upstream that serves ZITADEL.'),
  login_upstream: name
    .optional()
    .describe(
      'Upstream that serves Login v2: /ui/v2/login goes there, and / ends there. Without it neither is served.',
    ),
  reflection: z
    .boolean()
    .default(false)
    .describe('Whether gRPC server reflection is open; grpcurl without files needs it.'),
  api_alias: z
    .boolean()
    .default(false)
    .describe('Whether /api/… is served as well, with the prefix stripped; not for gRPC.'),
  open: z
    .array(z.enum(GROUPS))
    .default([])
    .describe(
      `Internal paths to open. ${Object.entries(INTERNAL_GROUPS)
        .map(([group, what]) => `\`${group}\`: ${what}`)
        .join('; ')}.`,
    ),
  open_on: z
    .array(name)
    .default([])
    .describe('Names of the listeners on which `open` holds; empty for all. Elsewhere the paths stay closed.'),
});

/** The options of a preset, complete. */
export type PresetOptions = z.output<typeof options>;

/** The preset: its name alone, or a map with its options. */
export const preset = z
  .union([z.enum(['zitadel', 'none']), options])
  .transform((given): PresetOptions => (typeof given === 'string' ? options.parse({ name: given }) : given))
  .prefault('zitadel')
  .meta({ title: 'Preset' });
