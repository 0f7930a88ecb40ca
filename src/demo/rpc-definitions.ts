/**
 * Writes src/rpc/zitadel.json from the service definitions of @zitadel/proto: `node src/demo/rpc-definitions.ts`.
 * With `--check` it writes nothing and exits with 1 where the file is not what it should be.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  getOption,
  ScalarType,
} from '@bufbuild/protobuf';
import { http } from '@zitadel/proto/google/api/annotations_pb.js';
import { V1_PREFIXES, zitadelServices } from './rpc/services.ts';

const FILE = new URL('../rpc/zitadel.json', import.meta.url);

/** Kinds of fields that a key may be made of, as the file numbers them. */
const KIND = { text: 0, number: 1, message: 2 } as const;
const NUMBERS: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT32,
  ScalarType.INT64,
  ScalarType.UINT32,
  ScalarType.UINT64,
  ScalarType.SINT32,
  ScalarType.SINT64,
]);

/** What a field is, or undefined where no key can be made of it: lists, maps, bytes, floats. */
function kindOf(field: DescField): number | undefined {
  if (field.fieldKind === 'message') return KIND.message;
  if (field.fieldKind === 'enum') return KIND.number;
  if (field.fieldKind !== 'scalar') return undefined;
  if (field.scalar === ScalarType.STRING) return KIND.text;
  return NUMBERS.has(field.scalar) ? KIND.number : undefined;
}

/** Messages that have text or numbers somewhere below; those of google.protobuf have a JSON form of their own. */
function usefulMessages(inputs: readonly DescMessage[]): DescMessage[] {
  const reached = new Set<DescMessage>();
  const reach = (message: DescMessage): void => {
    if (reached.has(message) || message.typeName.startsWith('google.protobuf.')) return;
    reached.add(message);
    for (const field of message.fields) if (field.fieldKind === 'message') reach(field.message);
  };
  for (const input of inputs) reach(input);
  const useful = new Set<DescMessage>();
  for (let before = -1; before !== useful.size; ) {
    before = useful.size;
    for (const message of reached) {
      const has = message.fields.some((field) =>
        field.fieldKind === 'message' ? useful.has(field.message) : kindOf(field) !== undefined,
      );
      if (has) useful.add(message);
    }
  }
  return [...useful].sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
}

/** REST paths of a method: verb, template below the service's prefix, field of the body. */
function bindingsOf(method: DescMethod, prefix: string): string[][] {
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].flatMap(({ pattern, body }) =>
    pattern.case === undefined || pattern.case === 'custom'
      ? []
      : [[pattern.case.toUpperCase(), prefix + pattern.value, body]],
  );
}

/** The file: a line for every message and every RPC, so that what a new version changes can be read. */
function definitions(all: readonly DescService[]): string {
  const services = [...all].sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  const messages = usefulMessages(services.flatMap(({ methods }) => methods.map(({ input }) => input)));
  const index = new Map(messages.map((message, at) => [message, at]));
  const fieldsOf = (message: DescMessage): unknown[] =>
    message.fields.flatMap((field) => {
      const kind = kindOf(field);
      const type = field.fieldKind === 'message' ? index.get(field.message) : undefined;
      if (kind === undefined || (kind === KIND.message && type === undefined)) return [];
      return [[field.number, field.name, kind, ...(type === undefined ? [] : [type])]];
    });
  const lines = (items: readonly unknown[]): string => items.map((item) => JSON.stringify(item)).join(',\n');
  return [
    '{',
    `"source": "@zitadel/proto ${version()}",`,
    `"prefixes": ${JSON.stringify(V1_PREFIXES)},`,
    '"messages": [',
    lines(messages.map((message) => [message.typeName, fieldsOf(message)])),
    '],',
    '"rpcs": [',
    lines(
      services.flatMap((service) =>
        service.methods.map((method) => [
          service.typeName,
          method.name,
          index.get(method.input) ?? -1,
          bindingsOf(method, V1_PREFIXES[service.typeName] ?? ''),
        ]),
      ),
    ),
    ']',
    '}',
    '',
  ].join('\n');
}

/** The version that the project pins; the package itself does not let its own be read. */
function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { devDependencies: Record<string, string> }).devDependencies['@zitadel/proto']!;
}

const text = definitions(await zitadelServices());
let there: string | undefined;
try {
  there = readFileSync(FILE, 'utf8');
} catch {
  there = undefined;
}
if (text !== there) {
  if (process.argv.includes('--check')) {
    console.error('src/rpc/zitadel.json is stale: run node src/demo/rpc-definitions.ts');
    process.exitCode = 1;
  } else {
    writeFileSync(FILE, text);
    console.log('wrote src/rpc/zitadel.json');
  }
}
