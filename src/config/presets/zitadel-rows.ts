import type { RefusalForm } from '../../core/exchange.ts';
import type { RetryGiven } from '../schema/retry.ts';
import type { PresetRoute } from './preset.ts';
import type { ZitadelClass } from './zitadel-classes.ts';

/** A row of ZITADEL's table: name, paths, methods, limit class, form of refusals, why; then what only some rows have. */
export type Row = readonly [
  name: string,
  paths: readonly string[],
  methods: readonly string[],
  limit: ZitadelClass,
  form: RefusalForm,
  why: string,
  extra?: Partial<Pick<PresetRoute, 'policies' | 'refuseWith' | 'rewrite' | 'group' | 'opens' | 'retry'>>,
];

/** A GET that does something: makes a code, takes one, sends a mail. It is sent again only if it was not processed. */
export const ONCE: { readonly retry: RetryGiven } = { retry: { methods: [] } };

/** Methods of what is read. Browsers ask with OPTIONS before they read from another origin; ZITADEL answers that itself. */
export const READ = ['GET', 'HEAD', 'OPTIONS'];
/** Methods of pages, which no other origin's script may call. */
export const PAGE = ['GET', 'HEAD', 'POST'];
/** Methods of RPCs and form posts. */
export const POST = ['POST'];
/** Every method. */
export const ANY: readonly string[] = [];
