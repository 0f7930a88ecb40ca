/** What a request calls, as the upstream sees its path. */

import type { Exchange } from '../../core/exchange.ts';
import { upstreamPath } from '../../core/path.ts';
import type { RpcCall, RpcTable } from '../../rpc/rpc-table.ts';

/** The RPC behind a request, also where a prefix of its path is stripped on the way; undefined where it is none. */
export function calledBy({ head, route }: Exchange, rpcs: RpcTable): RpcCall | undefined {
  return rpcs.find(head.method, upstreamPath(head.path, route.rewrite));
}
