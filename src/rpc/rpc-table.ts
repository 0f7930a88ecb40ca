/** The RPCs of ZITADEL, and by which REST paths they are reached. */

import { type Definitions, readDefinitions } from './definitions.ts';
import { RestPaths } from './rest-paths.ts';
import type { Rpc } from './rpc.ts';

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

const RPC_PATH = /^\/((?:\w+\.)+\w+)\/(\w+)$/;
const NO_VARIABLES: ReadonlyMap<string, string> = new Map();

/** The table of the service definitions that the gateway was made with. */
export const ZITADEL_RPCS: RpcTable = rpcTable(readDefinitions());

/** A table of definitions, compiled: its look-ups do no work that grows with the number of RPCs. */
function rpcTable({ rpcs, restPaths, prefixes }: Definitions): RpcTable {
  const rest = new RestPaths(restPaths);
  const byPath = new Map(rpcs.map((rpc) => [`/${rpc.name}`, byRpc(rpc, rpc.name)]));

  function find(method: string, path: string): RpcCall | undefined {
    const known = byPath.get(path);
    if (known !== undefined) return known;
    // A dot is in every name of a service, and in few other paths.
    const unknown = path.includes('.') ? RPC_PATH.exec(path) : null;
    if (unknown !== null) return byRpc(undefined, `${unknown[1]}/${unknown[2]}`);
    const found = rest.find(method, path);
    if (found !== undefined) {
      const { rpc, fields, body } = found.binding;
      const variables = new Map<string, string>();
      for (let i = 0; i < fields.length; i += 1) variables.set(fields[i]!, found.values[i]!);
      return { rpc, name: rpc.name, by: 'rest', variables, body };
    }
    const prefix = prefixes.find(([one]) => path.startsWith(one));
    if (prefix === undefined) return undefined;
    return { rpc: undefined, name: `${prefix[1]}/?`, by: 'rest', variables: NO_VARIABLES, body: '' };
  }

  // Several policies of one request ask in a row.
  let lastMethod = '';
  let lastPath = '';
  let last: RpcCall | undefined;
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

function byRpc(rpc: Rpc | undefined, name: string): RpcCall {
  return { rpc, name, by: 'rpc', variables: NO_VARIABLES, body: '*' };
}
