/** Which RPCs a request may reach. Where it could be several, all of them count: the looser one is no way round a rule. */

import type { RequestHead } from '../../core/exchange.ts';
import { mediaType } from '../../dialects/media-type.ts';
import type { RpcCall, RpcTable } from '../../rpc/rpc-table.ts';

/** Longer than any name of an RPC; a longer one is none, and no pattern is tried on it. */
export const MAX_NAME = 256;

/** Looser than the names of definitions: whatever a server could read as an RPC of ZITADEL. */
const RPC_PATH = /^\/(zitadel\.[^/]+)\/([^/]+)\/?$/i;
const VERSIONED = /^\/(resources\/)?(v\d\w*)\/(.+)$/;
const VERSION_OF_SERVICE = /\.(v[2-9]\w*)\./;
const REST_PATH = /^\/(?:(?:admin|auth|management|system)\/v1|(?:resources\/)?v[2-9]\w*)\//;
const NO_VARIABLES: ReadonlyMap<string, string> = new Map();
const OTHERS = ['GET', 'PUT', 'PATCH', 'DELETE'];

/** Whether a path is one of ZITADEL's APIs, so that the positive list should have it. */
export function isApiPath(path: string): boolean {
  return RPC_PATH.test(path) || REST_PATH.test(path);
}

/** Reads requests by a table of RPCs. */
export class Calls {
  readonly #table: RpcTable;
  /** Versions of services, without v1, whose REST paths have no version of that form. */
  readonly #versions: readonly string[];

  constructor(table: RpcTable) {
    this.#table = table;
    this.#versions = versionsOf(table);
  }

  /** The RPCs that the request may reach; empty where it is for none. `path` is what the upstream gets. */
  of({ method, contentType }: RequestHead, path: string): readonly RpcCall[] {
    const call = this.#find(method, path);
    if (method !== 'POST' || call?.by === 'rpc') return call === undefined ? [] : [call];
    // grpc-gateway serves a form POST by the handler of another method (runtime/mux.go, isPathLengthFallback).
    if (mediaType(contentType) !== 'application/x-www-form-urlencoded') return call === undefined ? [] : [call];
    const all = [call, ...OTHERS.map((other) => this.#find(other, path))];
    return all.filter((one) => one !== undefined);
  }

  #find(method: string, path: string): RpcCall | undefined {
    const found = this.#table.find(method, path);
    if (found?.rpc !== undefined) return found;
    const rpc = RPC_PATH.exec(path);
    if (rpc !== null) {
      // The name without a trailing slash may be a known one.
      const plain = path.endsWith('/') ? this.#table.find(method, path.slice(0, -1)) : undefined;
      return plain ?? found ?? unknown(`${rpc[1]}/${rpc[2]}`, 'rpc');
    }
    if (path.length > 1 && path.endsWith('/')) return this.#find(method, path.slice(0, -1));
    return this.#sibling(method, path) ?? found;
  }

  /** A REST path of a version that no definition has is read as that of one that has it: rules hold in any version. */
  #sibling(method: string, path: string): RpcCall | undefined {
    const parts = VERSIONED.exec(path);
    if (parts === null) return undefined;
    const [, resources = '', version, rest] = parts;
    for (const known of this.#versions) {
      if (known === version) continue;
      const found = this.#table.find(method, `/${resources}${known}/${rest}`);
      if (found?.rpc === undefined) continue;
      return unknown(`${found.rpc.service.replace(`.${known}.`, `.${version}.`)}/${found.rpc.method}`, 'rest');
    }
    return undefined;
  }
}

const VERSIONS = new WeakMap<RpcTable, readonly string[]>();

/** Found once per table: every route has its own reader. */
function versionsOf(table: RpcTable): readonly string[] {
  let versions = VERSIONS.get(table);
  if (versions === undefined) {
    versions = [...new Set(table.rpcs.flatMap(({ service }) => VERSION_OF_SERVICE.exec(service)?.[1] ?? []))];
    VERSIONS.set(table, versions);
  }
  return versions;
}

function unknown(name: string, by: 'rpc' | 'rest'): RpcCall {
  return { rpc: undefined, name, by, variables: NO_VARIABLES, body: '*' };
}
