/** Patterns of RPC names: `zitadel.admin.v1.AdminService/*`, `zitadel.system.*`, where `*` is any text. */

import type { RpcTable } from './rpc-table.ts';

/** The test of a pattern; without a slash it is of a whole service, or of whatever begins so. */
export function rpcPattern(pattern: string): (name: string) => boolean {
  if (!/^[\w.*]+(?:\/[\w*?]+)?$/.test(pattern)) {
    throw new Error(`expected a pattern such as zitadel.admin.v1.AdminService/* or zitadel.system.*, not '${pattern}'`);
  }
  const whole = pattern.includes('/') ? pattern : `${pattern}/*`;
  const source = whole.replaceAll('.', '\\.').replaceAll('?', '\\?').replaceAll('*', '.*');
  const test = new RegExp(`^${source}$`);
  return (name) => test.test(name);
}

/** Whether no RPC that is known matches. */
export function matchesNothing(pattern: string, table: RpcTable): boolean {
  const test = rpcPattern(pattern);
  return !table.rpcs.some(({ name }) => test(name));
}
