/** What the schema says of a place in the config: used where a value is read, explained, redacted or documented. */

import { z } from 'zod';

/** Any zod schema. */
export type Schema = z.core.$ZodType;

/** What may stand beside a schema in `.meta()`. */
export interface Marks {
  readonly description?: string | undefined;
  readonly default?: unknown;
  /** Never shown; `file:` references are read. */
  readonly secret?: boolean;
  /** Names a file; a relative name is relative to the config file. */
  readonly file?: boolean;
}

/** A schema with its wrappers (optional, default, transform …), outermost first. */
export function layers(schema: Schema): z.core.$ZodTypes[] {
  const out: z.core.$ZodTypes[] = [];
  for (let next = schema as z.core.$ZodTypes; ; ) {
    out.push(next);
    const { def } = next._zod;
    if ('innerType' in def) next = def.innerType as z.core.$ZodTypes;
    else if (def.type === 'pipe') next = def.in as z.core.$ZodTypes;
    else return out;
  }
}

/** A schema without its wrappers: what a person writes. */
export function core(schema: Schema): z.core.$ZodTypes {
  return layers(schema).at(-1)!;
}

/** The marks of a schema and of what it wraps; the outermost wins. */
export function marks(schema: Schema): Marks {
  let found: Marks = {};
  for (const layer of layers(schema)) found = { ...z.globalRegistry.get(layer), ...found };
  return found;
}

/** The default of a key as a person would write it, or undefined. */
export function defaultOf(schema: Schema): unknown {
  for (const { _zod } of layers(schema)) {
    if (_zod.def.type === 'default' || _zod.def.type === 'prefault') return _zod.def.defaultValue;
  }
  return marks(schema).default;
}

/** The alternatives of a schema; itself where it has none. */
export function alternatives(schema: Schema): z.core.$ZodTypes[] {
  const inner = core(schema);
  const { def } = inner._zod;
  return def.type === 'union' ? def.options.flatMap((option) => alternatives(option)) : [inner];
}

/** The keys of a schema that is an object with fixed keys (or has such an alternative), with their schemas. */
export function keysOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  for (const { _zod } of alternatives(schema)) if (_zod.def.type === 'object') return _zod.def.shape;
  return undefined;
}

/** The schema below a schema, or undefined where the schema has no such place. */
export function childOf(schema: Schema | undefined, key: string | number): Schema | undefined {
  if (schema === undefined) return undefined;
  for (const { _zod } of alternatives(schema)) {
    const { def } = _zod;
    if (def.type === 'object' && typeof key === 'string' && Object.hasOwn(def.shape, key)) return def.shape[key];
    if (def.type === 'record' && typeof key === 'string') return def.valueType;
    if (def.type === 'array' && typeof key === 'number') return def.element;
  }
  return undefined;
}

/** The schema at a path. */
export function schemaAt(schema: Schema, path: readonly (string | number)[]): Schema | undefined {
  return path.reduce<Schema | undefined>(childOf, schema);
}

/** Whether text is among what the schema takes. */
export function takesText(schema: Schema | undefined): boolean {
  if (schema === undefined) return true;
  return alternatives(schema).some(({ _zod: { def } }) => {
    if (def.type === 'enum') return Object.values(def.entries).some((entry) => typeof entry === 'string');
    if (def.type === 'literal') return def.values.some((value) => typeof value === 'string');
    return def.type === 'string' || def.type === 'template_literal';
  });
}
