import { type Config, configSchema } from './schema.ts';
import { childOf, marks, type Schema } from './shape.ts';

/** Fields of the `headers` policy and the like whose values let somebody in. */
const SECRET_NAME = /authorization|cookie|token|secret|passw|passphrase|api-?key|credential/i;

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/** Calls back for every leaf of a config with its schema, and builds the same shape from what comes back. */
function mapLeaves(
  value: unknown,
  schema: Schema | undefined,
  key: string,
  leaf: (value: unknown, schema: Schema | undefined, key: string) => unknown,
): unknown {
  if (Array.isArray(value)) return value.map((item, index) => mapLeaves(item, childOf(schema, index), key, leaf));
  if (typeof value !== 'object' || value === null) return leaf(value, schema, key);
  const entries = Object.entries(value).map(([name, below]) => [
    name,
    mapLeaves(below, childOf(schema, name), name, leaf),
  ]);
  return Object.fromEntries(entries);
}

/** The effective config for people: complete, and without what is marked secret or named like a secret. */
export function redacted(config: Config): Config {
  return mapLeaves(config, configSchema, '', (value, schema, key) => {
    const secret = (schema !== undefined && marks(schema).secret) || SECRET_NAME.test(key);
    return secret && typeof value === 'string' ? REDACTED : value;
  }) as Config;
}
