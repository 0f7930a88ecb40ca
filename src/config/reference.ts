/** docs/config.md, from the schema, the list of policies and the presets. */

import { POLICIES } from '../policies/index.ts';
import { listedValues, rangeOf, unitOf } from './expectation.ts';
import { PRESETS } from './presets/index.ts';
import type { PresetRoute } from './presets/preset.ts';
import { INTRODUCTION } from './reference-text.ts';
import { preset } from './schema/preset.ts';
import { configSchema } from './schema.ts';
import { alternatives, core, defaultOf, keysOf, layers, marks, type Schema } from './shape.ts';
import { table } from './table.ts';

/** The whole page. */
export function reference(): string {
  const sections: string[] = [];
  section('The file', '', configSchema, sections);
  const policies = POLICIES.flatMap(({ name, summary, options }) => {
    const below: string[] = [];
    section(code(name), name, options, below, '###');
    return [below[0]!, summary, ...below.slice(1)];
  });
  const parts = [
    INTRODUCTION,
    ...sections,
    '## Policies',
    'What `policies`, `classes` and routes may say. Outermost first: so they run on the way in.',
    ...policies,
    presetTable(),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** A table of an object's keys, then the tables of the objects below it. */
function section(title: string, path: string, schema: Schema, sections: string[], level = '##'): void {
  const keys = Object.entries(keysOf(schema)!);
  const rows = keys.map(([key, below]) => [
    code(key),
    typeText(below, key),
    defaultText(below),
    rangeOf(below) ?? '',
    marks(below).description ?? '',
  ]);
  const head = ['key', 'type', 'default', 'range', 'meaning'];
  sections.push(`${level} ${title}`, rows.length === 0 ? 'It has no options: `{}` switches it on.' : table(head, rows));
  for (const [key, below] of keys) {
    const { schema: inner, suffix } = innermost(below);
    if (keysOf(inner) === undefined || isPolicies(inner)) continue;
    const name = path === '' ? `${key}${suffix}` : `${path}.${key}${suffix}`;
    section(code(name), name, inner, sections, '###');
  }
}

/** What a list or map is of, with how its entries are reached. */
function innermost(schema: Schema): { schema: Schema; suffix: string } {
  const { def } = core(schema)._zod;
  if (def.type === 'array') return { schema: def.element, suffix: '[]' };
  if (def.type === 'record') return { schema: def.valueType, suffix: '.NAME' };
  return { schema, suffix: '' };
}

function isPolicies(schema: Schema): boolean {
  const keys = Object.keys(keysOf(schema)!);
  return keys.length === POLICIES.length && POLICIES.every(({ name }) => keys.includes(name));
}

function typeText(schema: Schema, key: string): string {
  const kinds = alternatives(schema).map((one): string => {
    const listed = listedValues(one);
    if (listed !== undefined) return listed.map((value) => `\`${value}\``).join(', ');
    const { def } = one._zod;
    switch (def.type) {
      case 'number':
        return unitOf(key) ?? 'number';
      case 'boolean':
        return '`true`, `false`';
      case 'array':
        return `list of ${typeText(def.element, '')}`;
      case 'record':
        return `map of ${typeText(def.valueType, '')}`;
      case 'object':
        return isPolicies(one) ? '[policies](#policies)' : 'map';
      default:
        return marks(schema).file ? 'file name' : marks(schema).secret ? 'secret' : 'text';
    }
  });
  return kinds.join(' or ');
}

function defaultText(schema: Schema): string {
  const value = defaultOf(schema);
  if (value !== undefined) return `\`${JSON.stringify(value)}\``;
  const optional = layers(schema).some(({ _zod }) => _zod.def.type === 'optional');
  return optional ? '' : 'required';
}

function presetTable(): string {
  const closed = PRESETS.zitadel.routes(preset.parse('zitadel'));
  const open = PRESETS.zitadel.routes(preset.parse({ name: 'zitadel', login_upstream: 'login' }));
  const login = open.filter(
    ({ name, upstream }) => upstream === 'login' && (name === 'root' || !closed.some((row) => row.name === name)),
  );
  const classes = Object.entries(PRESETS.zitadel.classes).map(([name, { what, policies }]) => {
    const said = Object.entries(policies).flatMap(([policy, options]) =>
      Object.entries(options || {}).map(([key, value]) => `\`${policy}.${key}: ${value}\``),
    );
    return [code(name), what, said.join(', ') || 'nothing of its own'];
  });
  return [
    '## The preset `zitadel`',
    'Limit classes, with what the preset says of them:',
    table(['class', 'what', 'policies'], classes),
    'Routes; a route of your own with the same name overrides one:',
    routeTable(closed),
    'With `login_upstream`, these in place of `root`:',
    routeTable(login),
  ].join('\n\n');
}

function routeTable(rows: readonly PresetRoute[]): string {
  const cells = rows.map(({ name, paths, methods, class: limit, form, refuseWith, group, why }) => {
    const opened = group === undefined ? '' : `, opened by ${code(group)}`;
    const action = refuseWith === undefined ? 'forward' : `${code(refuseWith)}${opened}`;
    const shown = paths.length > 8 ? [...paths.slice(0, 6).map(code), `and ${paths.length - 6} more`] : paths.map(code);
    return [code(name), shown.join('<br>'), methods.join(' ') || 'any', code(limit), form, action, why];
  });
  return table(['name', 'paths', 'methods', 'class', 'form', 'action', 'why'], cells);
}

function code(text: string): string {
  return `\`${text}\``;
}
