/** The service definitions that the gateway was made with, out of their file. */

import type { FieldName, MessageField, MessageType, WholeNumber } from './message-type.ts';
import type { Rpc } from './rpc.ts';
import file from './zitadel.json' with { type: 'json' };

/** A REST path of an RPC, https://github.com/googleapis/googleapis/blob/master/google/api/http.proto */
export interface RestPath {
  readonly rpc: Rpc;
  readonly verb: string;
  /** `/v2/users/{user_id}/password`, with the prefix that ZITADEL serves it under. */
  readonly template: string;
  /** The field that the body is for: `*` for the whole message, empty for none. */
  readonly body: string;
}

/** All RPCs and REST paths that are known. */
export interface Definitions {
  readonly rpcs: readonly Rpc[];
  readonly restPaths: readonly RestPath[];
  /** Services whose REST paths have a prefix of their own, by that prefix with a slash after it. */
  readonly prefixes: readonly (readonly [prefix: string, service: string])[];
}

type FieldLine = [number: number, name: string, kind: number, type?: number];
type OneofLine = [number: number, name: string][];
type MessageLine = [name: string, fields: FieldLine[], oneofs?: OneofLine[]];
type EnumLine = [name: string, values: [name: string, number: number][]];
type RpcLine = [service: string, method: string, input: number, rest: [string, string, string][], permission?: string];

/** What src/demo/rpc-definitions.ts writes. */
interface File {
  readonly prefixes: Record<string, string>;
  readonly messages: MessageLine[];
  readonly enums: EnumLine[];
  readonly rpcs: RpcLine[];
}

const TEXT = 0;
const MESSAGE = 1;
const ENUM = 2;
const WHOLE: Readonly<Record<number, WholeNumber>> = {
  3: { bits: 32, signed: true, names: undefined },
  4: { bits: 64, signed: true, names: undefined },
  5: { bits: 32, signed: false, names: undefined },
  6: { bits: 64, signed: false, names: undefined },
};
const NO_FIELDS: readonly MessageField[] = [];

/** Reads the file, once per process. */
export function readDefinitions(): Definitions {
  const { prefixes, messages, enums, rpcs: lines } = file as unknown as File;
  const types = messageTypes(messages, enums);
  const rpcs: Rpc[] = [];
  const restPaths: RestPath[] = [];
  for (const [service, method, input, rest, permission] of lines) {
    const rpc: Rpc = {
      name: `${service}/${method}`,
      service,
      method,
      input: types[input] ?? { name: '', fields: NO_FIELDS },
      systemPermission: permission,
    };
    rpcs.push(rpc);
    for (const [verb, template, body] of rest) restPaths.push({ rpc, verb, template, body });
  }
  return { rpcs, restPaths, prefixes: Object.entries(prefixes).map(([service, prefix]) => [`${prefix}/`, service]) };
}

function messageTypes(messages: readonly MessageLine[], enums: readonly EnumLine[]): MessageType[] {
  const names = enums.map(([, values]): WholeNumber => ({ bits: 32, signed: true, names: new Map(values) }));
  // Messages may hold themselves, so all are there before their fields are.
  const types = messages.map(([name]) => ({ name, fields: [] as MessageField[] }));
  for (const [index, [, fields, oneofs = []]] of messages.entries()) {
    for (const [number, name, kind, type = -1] of fields) {
      const oneof = oneofs.find((members) => members.some(([one]) => one === number)) ?? [];
      types[index]!.fields.push({
        ...named(number, name),
        kind: kind === TEXT ? 'text' : kind === MESSAGE ? 'message' : 'number',
        type: kind === MESSAGE ? types[type] : undefined,
        whole: kind === ENUM ? names[type] : WHOLE[kind],
        rivals: oneof.filter(([one]) => one !== number).map(([one, other]) => named(one, other)),
      });
    }
  }
  return types;
}

function named(number: number, name: string): FieldName {
  return { number, name, jsonName: name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase()) };
}
