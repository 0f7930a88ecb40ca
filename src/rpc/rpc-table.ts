/** The RPCs of ZITADEL, and by which REST paths they are reached. */

import type { MessageType } from './message-type.ts';

/** One RPC of the service definitions. */
export interface Rpc {
  /** `zitadel.session.v2.SessionService/CreateSession`. */
  readonly name: string;
  readonly service: string;
  readonly method: string;
  /** The request's message. */
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
