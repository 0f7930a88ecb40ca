import { jsonSchema } from './json-schema.ts';
import { reference } from './reference.ts';

/** The files that are generated from the schema and checked in, as they should be. Paths are relative to the project. */
export function generated(): readonly { readonly path: string; readonly text: string }[] {
  return [
    { path: 'config/gateway.schema.json', text: `${JSON.stringify(jsonSchema(), null, 2)}\n` },
    { path: 'docs/config.md', text: reference() },
  ];
}
