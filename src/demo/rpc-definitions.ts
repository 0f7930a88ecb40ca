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
import { auth_option } from '@zitadel/proto/zitadel/options_pb.js';
import { options } from '@zitadel/proto/zitadel/protoc_gen_zitadel/v2/options_pb.js';
import { V1_PREFIXES, zitadelServices } from './rpc/services.ts';

const FILE = new URL('../rpc/zitadel.json', import.meta.url);

/** Kinds of fields that a key may be made of, as the file numbers them. */
const KIND = { text: 0, message: 1, enum: 2 } as const;
const NUMBERS: ReadonlyMap<ScalarType, number> = new Map([
  [ScalarType.INT32, 3],
  [ScalarType.INT64, 4],
  [ScalarType.UINT32, 5],
  [ScalarType.UINT64, 6],
]);

const jsonNameOf = (name: string): string => name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());

/** What a field is, or undefined where no key can be made of it: lists, maps, bytes, floats, flags. */
function kindOf(field: DescField): number | undefined {
  if (field.fieldKind === 'message') return KIND.message;
  if (field.fieldKind === 'enum') return KIND.enum;
  if (field.fieldKind !== 'scalar') return undefined;
  return field.scalar === ScalarType.STRING ? KIND.text : NUMBERS.get(field.scalar);
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

/** The permission of a method where it is one across instances (`system.instance.delete`); else empty. */
function systemPermission(method: DescMethod): string {
  const permission =
    getOption(method, auth_option).permission || (getOption(method, options).authOption?.permission ?? '');
  return permission.startsWith('system.') ? permission : '';
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
  const enums = [
    ...new Set(
      messages.flatMap(({ fields }) => fields.flatMap((field) => (field.fieldKind === 'enum' ? field.enum : []))),
    ),
  ].sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  const typeOf = (field: DescField): number | undefined => {
    if (field.fieldKind === 'message') return index.get(field.message);
    return field.fieldKind === 'enum' ? enums.indexOf(field.enum) : undefined;
  };
  const readable = (field: DescField): boolean =>
    kindOf(field) !== undefined && (kindOf(field) !== KIND.message || typeOf(field) !== undefined);
  const fieldsOf = (message: DescMessage): unknown[] =>
    message.fields.filter(readable).map((field) => {
      const type = typeOf(field);
      // The file has no JSON names: its reader makes them.
      if (jsonNameOf(field.name) !== field.jsonName) throw new Error(`${field} has a JSON name of its own`);
      return [field.number, field.name, kindOf(field), ...(type === undefined ? [] : [type])];
    });
  // Of several fields one is set: a reader of one must know the others, whatever they are.
  const oneofsOf = (message: DescMessage): unknown[] => {
    const oneofs = message.oneofs.filter(({ fields }) => fields.length > 1 && fields.some(readable));
    return oneofs.length === 0 ? [] : [oneofs.map(({ fields }) => fields.map(({ number, name }) => [number, name]))];
  };
  const lines = (items: readonly unknown[]): string => items.map((item) => JSON.stringify(item)).join(',\n');
  return [
    '{',
    `"source": "@zitadel/proto ${version()}",`,
    `"prefixes": ${JSON.stringify(V1_PREFIXES)},`,
    '"messages": [',
    lines(messages.map((message) => [message.typeName, fieldsOf(message), ...oneofsOf(message)])),
    '],',
    '"enums": [',
    lines(enums.map(({ typeName, values }) => [typeName, values.map(({ name, number }) => [name, number])])),
    '],',
    '"rpcs": [',
    lines(
      services.flatMap((service) =>
        service.methods.map((method) => [
          service.typeName,
          method.name,
          index.get(method.input) ?? -1,
          bindingsOf(method, V1_PREFIXES[service.typeName] ?? ''),
          ...(systemPermission(method) === '' ? [] : [systemPermission(method)]),
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
