/** Patterns of RPC names: `zitadel.admin.v1.AdminService/*`, `zitadel.system.*`, where `*` is any text. */

import type { RpcTable } from './rpc-table.ts';

/**
 * The test of a pattern; without a slash it is of a whole service, or of whatever begins so, unknown calls (`service/?`)
 * included. Throws an Error where the pattern is none. No regular expression: names come from callers and may be long.
 */
export function rpcPattern(pattern: string): (name: string) => boolean {
  if (!/^[\w.*]+(?:\/[\w*?]+)?$/.test(pattern)) {
    throw new Error(`expected a pattern such as zitadel.admin.v1.AdminService/* or zitadel.system.*, not '${pattern}'`);
  }
  const parts = (pattern.includes('/') ? pattern : `${pattern}/*`).split('*');
  const [first, last] = [parts[0]!, parts.at(-1)!];
  if (parts.length === 1) return (name) => name === first;
  const between = parts.slice(1, -1).filter((part) => part !== '');
  return (name) => {
    if (!name.startsWith(first)) return false;
    let at = first.length;
    // The first place of each part leaves the most to those after it.
    for (const part of between) {
      const found = name.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return name.length - last.length >= at && name.endsWith(last);
  };
}

/** Whether no RPC that is known matches. */
export function matchesNothing(pattern: string, table: RpcTable): boolean {
  const test = rpcPattern(pattern);
  return !table.rpcs.some(({ name }) => test(name));
}
