/** The rules for RPCs, compiled: which rule refuses a call from an address. */

import type { Connection } from '../../core/raw.ts';
import type { NamedNetworks } from '../../networks/named-networks.ts';
import { rpcPattern } from '../../rpc/pattern.ts';
import type { Rpc } from '../../rpc/rpc.ts';
import type { RpcCall } from '../../rpc/rpc-table.ts';
import { compileIpRules, type IpRules } from '../ip-rules.ts';
import type { RpcRuleOptions, ShieldOptions } from './options.ts';

/** One rule, compiled. */
export interface RpcRule {
  readonly name: string;
  readonly enforce: boolean;
  /** Undefined where nobody may call. */
  readonly mayCall: IpRules | undefined;
  matches(name: string): boolean;
}

/** The rules of a route. Those of a known RPC are remembered, as many as there are RPCs; names from callers are not. */
export class RpcRules {
  readonly #rules: readonly RpcRule[];
  readonly #byRpc = new Map<Rpc, readonly RpcRule[]>();

  constructor(rules: ShieldOptions['rpcs'], networks: NamedNetworks) {
    this.#rules = Object.entries(rules).flatMap(([name, rule]) => compile(name, rule, networks) ?? []);
  }

  get empty(): boolean {
    return this.#rules.length === 0;
  }

  /** The rules that are for a call, in their order. */
  of({ rpc, name }: RpcCall): readonly RpcRule[] {
    if (rpc === undefined) return this.#matching(name);
    let rules = this.#byRpc.get(rpc);
    if (rules === undefined) {
      rules = this.#matching(name);
      this.#byRpc.set(rpc, rules);
    }
    return rules;
  }

  #matching(name: string): readonly RpcRule[] {
    const folded = name.toLowerCase();
    return this.#rules.filter((rule) => rule.matches(folded));
  }
}

/** Whether a rule refuses an address. */
export function refuses({ mayCall }: RpcRule, address: string, connection: Connection): boolean {
  return mayCall === undefined || !mayCall(address, connection);
}

/** Undefined where the rule refuses nobody. */
function compile(name: string, rule: false | RpcRuleOptions, networks: NamedNetworks): RpcRule | undefined {
  if (rule === false || (!rule.deny && rule.allow.length === 0)) return undefined;
  const tests = rule.match.map((pattern) => rpcPattern(pattern.toLowerCase()));
  return {
    name,
    enforce: rule.enforce,
    mayCall: rule.deny ? undefined : compileIpRules({ allow: rule.allow, deny: [] }, networks),
    matches: (folded) => tests.some((test) => test(folded)),
  };
}
