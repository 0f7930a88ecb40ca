/** What a check is: it looks at what spans several keys, once each key by itself is right. */

import type { Finding, Path } from '../problem.ts';
import type { RouteConfig } from '../routes.ts';
import type { OwnRoute } from '../schema/route.ts';
import type { Config, ListenerConfig, UpstreamConfig } from '../schema.ts';

/** What a check sees: the parts of the config that parsed, so that one wrong key does not hide what is wrong elsewhere. */
export interface View {
  readonly config: Partial<Config>;
  /** The listeners that parsed, with their places in the list; likewise the own routes. */
  readonly listeners: readonly (readonly [index: number, listener: ListenerConfig])[];
  readonly ownRoutes: readonly (readonly [index: number, route: OwnRoute])[];
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  /** All names, also of what did not parse. */
  readonly names: { readonly listeners: readonly string[]; readonly upstreams: readonly string[] };
  /** The whole table, where everything that it is made from parsed. */
  readonly routes: readonly RouteConfig[] | undefined;
}

/** Takes what checks find: what makes the config unusable, and what is probably not meant. */
export class Findings {
  readonly problems: Finding[] = [];
  readonly warnings: Finding[] = [];

  problem(path: Path, message: string, more: Pick<Finding, 'expected' | 'suggestion'> = {}): void {
    this.problems.push({ path, message, ...more });
  }

  warn(path: Path, message: string): void {
    this.warnings.push({ path, message });
  }
}

/** One check. */
export type Check = (view: View, found: Findings) => void;
