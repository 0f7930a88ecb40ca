/** The RPCs of ZITADEL, and by which REST paths they are reached. */

import type { MessageField, MessageType } from './message-type.ts';
import definitions from './zitadel.json' with { type: 'json' };

/** One RPC of the service definitions. */
export interface Rpc {
  /** `zitadel.session.v2.SessionService/CreateSession`. */
  readonly name: string;
  readonly service: string;
  readonly method: string;
  /** The request's message; one without fields where no key can be made of it. */
  readonly input: MessageType;
}

/** How a request reaches an RPC. */
export interface RpcCall {
  /** Undefined where the service or the method is in none of the known definitions, yet the path is one of theirs. */
  readonly rpc: Rpc | undefined;
  /** `service/method`, also of an unknown RPC; `service/?` for an unknown REST path below a prefix of one service. */
  readonly name: string;
  readonly by: 'rpc' | 'rest';
  /** Values of the variables of a REST path by field path, decoded; empty by RPC. */
  readonly variables: ReadonlyMap<string, string>;
  /** The field that the REST body is for: `*` for the whole message, empty for none; `*` by RPC. */
  readonly body: string;
}

/** Finds RPCs by what a request asks for. */
export interface RpcTable {
  /** What a request calls, by its method and decoded path; undefined where it is no RPC and no REST path of one. */
  find(method: string, path: string): RpcCall | undefined;
  readonly rpcs: readonly Rpc[];
}

/** A REST path of an RPC. */
interface Binding {
  readonly rpc: Rpc;
  /** Field paths that the variables are for, in their order. */
  readonly fields: readonly string[];
  readonly body: string;
}

/** A segment of REST paths: what may follow it, and the bindings that end here, by HTTP method. */
class Segment {
  readonly literals = new Map<string, Segment>();
  variable: Segment | undefined;
  readonly bindings = new Map<string, Binding>();
  /** Bindings whose last variable takes all the rest of the path (`{name=**}`). */
  readonly rest = new Map<string, Binding>();
}

const RPC_PATH = /^\/((?:\w+\.)+\w+)\/(\w+)$/;
const NO_VARIABLES: ReadonlyMap<string, string> = new Map();

/** The table of the service definitions that the gateway was made with. */
export const ZITADEL_RPCS: RpcTable = read();

function read(): RpcTable {
  const messages = messagesOf(definitions.messages as [string, [number, string, number, number?][]][]);
  const byPath = new Map<string, RpcCall>();
  const root = new Segment();
  const rpcs: Rpc[] = [];
  for (const [service, method, input, bindings] of definitions.rpcs as [string, string, number, string[][]][]) {
    const rpc: Rpc = {
      name: `${service}/${method}`,
      service,
      method,
      input: messages[input] ?? { name: '', fields: [] },
    };
    rpcs.push(rpc);
    byPath.set(`/${rpc.name}`, { rpc, name: rpc.name, by: 'rpc', variables: NO_VARIABLES, body: '*' });
    for (const [verb, template, body] of bindings) add(root, verb!, template!, rpc, body!);
  }
  const prefixes = Object.entries(definitions.prefixes as Record<string, string>);
  // Several policies of one request ask in a row.
  let lastMethod = '';
  let lastPath = '';
  let last: RpcCall | undefined;

  function find(method: string, path: string): RpcCall | undefined {
    const known = byPath.get(path);
    if (known !== undefined) return known;
    const unknown = RPC_PATH.exec(path);
    if (unknown !== null) {
      return { rpc: undefined, name: `${unknown[1]}/${unknown[2]}`, by: 'rpc', variables: NO_VARIABLES, body: '*' };
    }
    const values: string[] = [];
    const binding = match(root, path.split('/'), 1, method, values);
    if (binding !== undefined) {
      const variables = new Map(binding.fields.map((field, index) => [field, values[index]!]));
      return { rpc: binding.rpc, name: binding.rpc.name, by: 'rest', variables, body: binding.body };
    }
    const prefix = prefixes.find(([, one]) => path.startsWith(`${one}/`));
    if (prefix === undefined) return undefined;
    return { rpc: undefined, name: `${prefix[0]}/?`, by: 'rest', variables: NO_VARIABLES, body: '' };
  }

  return {
    rpcs,
    find(method, path) {
      if (path === lastPath && method === lastMethod) return last;
      last = find(method, path);
      lastPath = path;
      lastMethod = method;
      return last;
    },
  };
}

function messagesOf(given: readonly [string, [number, string, number, number?][]][]): MessageType[] {
  const types = given.map(([name]) => ({ name, fields: [] as MessageField[] }));
  for (const [index, [, fields]] of given.entries()) {
    for (const [number, name, kind, type] of fields) {
      types[index]!.fields.push({
        number,
        name,
        jsonName: name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase()),
        kind: kind === 0 ? 'text' : kind === 1 ? 'number' : 'message',
        type: type === undefined ? undefined : types[type],
      });
    }
  }
  return types;
}

function add(root: Segment, verb: string, template: string, rpc: Rpc, body: string): void {
  let at = root;
  const fields: string[] = [];
  for (const segment of template.split('/').slice(1)) {
    const variable = /^\{([\w.]+)(=\*\*)?\}$/.exec(segment);
    if (variable === null) {
      const next: Segment = at.literals.get(segment) ?? new Segment();
      at.literals.set(segment, next);
      at = next;
      continue;
    }
    fields.push(variable[1]!);
    if (variable[2] !== undefined) {
      at.rest.set(verb, { rpc, fields, body });
      return;
    }
    at.variable ??= new Segment();
    at = at.variable;
  }
  at.bindings.set(verb, { rpc, fields, body });
}

/**
 * The binding among those that end at one segment. HEAD is read as GET; a POST may be served by the handler of another
 * method of the path (grpc-gateway, runtime/mux.go: isPathLengthFallback, of any method in older versions, of GET in
 * newer ones), so it counts as the RPC that changes most.
 */
function choose(bindings: ReadonlyMap<string, Binding>, method: string): Binding | undefined {
  const exact = bindings.get(method === 'HEAD' ? 'GET' : method);
  if (exact !== undefined || method !== 'POST') return exact;
  return bindings.get('PATCH') ?? bindings.get('PUT') ?? bindings.get('DELETE') ?? bindings.get('GET');
}

/** Literal segments win over variables, variables over the rest of the path. */
function match(
  at: Segment,
  segments: readonly string[],
  from: number,
  method: string,
  values: string[],
): Binding | undefined {
  if (from === segments.length) return choose(at.bindings, method);
  const segment = segments[from]!;
  const literal = at.literals.get(segment);
  const found = literal === undefined ? undefined : match(literal, segments, from + 1, method, values);
  if (found !== undefined) return found;
  if (at.variable !== undefined && segment !== '') {
    values.push(segment);
    const variable = match(at.variable, segments, from + 1, method, values);
    if (variable !== undefined) return variable;
    values.pop();
  }
  const rest = at.rest.size === 0 ? undefined : choose(at.rest, method);
  if (rest !== undefined) values.push(segments.slice(from).join('/'));
  return rest;
}
