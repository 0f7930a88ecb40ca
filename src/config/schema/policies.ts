import { z } from 'zod';
import { POLICIES } from '../../policies/index.ts';
import { core, defaultOf, marks, type Schema } from '../shape.ts';

type Listed = (typeof POLICIES)[number];

/** The complete options of the policies that are on for a route. */
export type PolicyOptions = { [P in Listed as P['name']]?: z.output<P['options']> };

type Given<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: Given<T[K]> | undefined } : T;

/** What one level says of the policies: some of their options, or false to switch one off. */
export type PolicySettings = { [P in Listed as P['name']]?: false | Given<z.input<P['options']>> | undefined };

/**
 * The options as a level may give them: any key may be missing and none is filled in, because a level above or below
 * may say it. Names, checks and descriptions stay.
 */
export function sparse(options: Schema): z.ZodType {
  const inner = core(options);
  const { def } = inner._zod;
  // What may be switched off by `false`, and maps whose entries are merged, are sparse below too.
  if (def.type === 'record') return z.record(def.keyType as z.ZodString, sparse(def.valueType));
  if (def.type === 'union' && def.options.some((option) => core(option)._zod.def.type === 'object')) {
    return z.union(def.options.map((option) => sparse(option)));
  }
  if (inner._zod.def.type !== 'object') {
    // Without its default, but with its checks and transforms.
    let leaf = options as z.core.$ZodTypes;
    while ('innerType' in leaf._zod.def) leaf = leaf._zod.def.innerType as z.core.$ZodTypes;
    return leaf as unknown as z.ZodType;
  }
  const shape = Object.entries(inner._zod.def.shape).map(([key, schema]) => {
    const { description } = marks(schema);
    const value = defaultOf(schema);
    const shown = typeof value === 'object' && core(schema)._zod.def.type === 'object' ? undefined : value;
    return [
      key,
      sparse(schema)
        .optional()
        .meta({ ...(description !== undefined && { description }), ...(shown !== undefined && { default: shown }) }),
    ];
  });
  return z.strictObject(Object.fromEntries(shape));
}

const entries = POLICIES.map(({ name, summary, options }) => [
  name,
  z
    .union([z.literal(false), sparse(options)])
    .optional()
    .meta({ description: `${summary} \`false\` switches it off.` }),
]);

/** One optional key for every policy of the list. The type says what the loop made. */
export const policySettings = z
  .strictObject(Object.fromEntries(entries))
  .meta({ id: 'policies', title: 'Policies' }) as unknown as z.ZodType<PolicySettings, PolicySettings>;

/** Later settings over earlier ones: maps are merged key by key, everything else is replaced. */
export function mergeSettings(...levels: readonly (PolicySettings | undefined)[]): PolicySettings {
  return levels.reduce<unknown>(
    (below, level) => (level === undefined ? below : merge(below, level)),
    {},
  ) as PolicySettings;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(below: unknown, above: unknown): unknown {
  if (!isMap(below) || !isMap(above)) return above;
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) if (value !== undefined) merged[key] = merge(merged[key], value);
  return merged;
}
