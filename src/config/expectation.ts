import { z } from 'zod';
import { alternatives, core, type Schema } from './shape.ts';

const UNITS: readonly (readonly [suffix: string, unit: string])[] = [
  ['_ms', 'milliseconds'],
  ['_bytes', 'bytes'],
  ['_bytes_per_s', 'bytes a second'],
  ['_per_s', 'times a second'],
  ['_s', 'seconds'],
];

/** The unit that a key's name ends in, or undefined. */
export function unitOf(key: string | undefined): string | undefined {
  return UNITS.find(([suffix]) => key?.endsWith(suffix))?.[1];
}

/** The values that a schema lists, as a person writes them in YAML; undefined where it lists none. */
export function listedValues(schema: Schema): readonly string[] | undefined {
  const { def } = core(schema)._zod;
  const values: unknown[] | undefined =
    def.type === 'enum' ? Object.values(def.entries) : def.type === 'literal' ? def.values : undefined;
  if (values === undefined) return undefined;
  // 1.2 and "1.2" are one value to a person.
  return [...new Set(values.map(String))];
}

/** The range of a number, `1 to 65535`; undefined where the schema is none or has no limits. */
export function rangeOf(schema: Schema): string | undefined {
  const inner = core(schema);
  if (!(inner instanceof z.ZodNumber)) return undefined;
  const { minValue, maxValue } = inner;
  const least = minValue !== null && Number.isFinite(minValue) && minValue !== Number.MIN_SAFE_INTEGER;
  const most = maxValue !== null && Number.isFinite(maxValue) && maxValue !== Number.MAX_SAFE_INTEGER;
  if (least && most) return `${minValue} to ${maxValue}`;
  return least ? `${minValue} or more` : undefined;
}

function alternative(schema: Schema, key: string | undefined): string {
  const listed = listedValues(schema);
  if (listed !== undefined)
    return listed.length === 1 ? listed[0]! : `${listed.slice(0, -1).join(', ')} or ${listed.at(-1)}`;
  const { def } = core(schema)._zod;
  switch (def.type) {
    case 'number': {
      const range = rangeOf(schema);
      const unit = unitOf(key);
      const whole = core(schema) instanceof z.ZodNumberFormat ? 'whole ' : '';
      return `a ${whole}number${unit ? ` of ${unit}` : ''}${range ? `, ${range}` : ''}`;
    }
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
    case 'record':
      return 'a map';
    default:
      return 'text';
  }
}

/** What a key takes, in words: `a whole number of milliseconds between 100 and 600000`, `h2c, h2, https or http/1.1`. */
export function expectation(schema: Schema, key?: string): string {
  return [...new Set(alternatives(schema).map((one) => alternative(one, key)))].join(', or ');
}
