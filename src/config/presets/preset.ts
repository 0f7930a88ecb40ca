/** What a preset is: limit classes with their policies, and a route table. */

import type { DialectName, RefusalForm } from '../../core/exchange.ts';
import type { Priority } from '../../limits/overload/priority.ts';
import type { PolicySettings } from '../schema/policies.ts';
import type { InternalGroup, PresetOptions } from '../schema/preset.ts';
import type { RetryGiven } from '../schema/retry.ts';

/** One row of a route table that ships with the product. Empty lists take anything. */
export interface PresetRoute {
  readonly name: string;
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  readonly dialects?: readonly DialectName[];
  readonly listeners?: readonly string[];
  readonly class: string;
  readonly form: RefusalForm;
  /** Where it goes, or would go if somebody opened it. */
  readonly upstream: string;
  /** The error of a row that is closed. */
  readonly refuseWith?: 'INTERNAL_ROUTE' | 'NO_ROUTE';
  readonly group?: InternalGroup;
  /** A rule of the shield that opening the group switches off on this row, which is open without it. */
  readonly opens?: { readonly group: InternalGroup; readonly rule: string };
  readonly rewrite?: { readonly from: string; readonly to: string };
  readonly policies?: PolicySettings;
  /** Where a request is not sent again as others are. */
  readonly retry?: RetryGiven;
  /** Why the row is there; for docs/config.md. */
  readonly why: string;
}

/** A limit class of a preset. */
export interface PresetClass {
  readonly what: string;
  readonly policies: PolicySettings;
  /** Who is refused later in an overload; `normal` where it is not given. */
  readonly priority?: Priority;
}

/** A route table that ships with the product. */
export interface Preset {
  /** Policies of every route that forwards to an upstream of the preset, below those of the config and of classes. */
  readonly policies?: PolicySettings;
  /** Policies by limit class, with the meaning of the class. */
  readonly classes: Readonly<Record<string, PresetClass>>;
  routes(options: PresetOptions): readonly PresetRoute[];
}
