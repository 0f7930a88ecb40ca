/**
 * THE ORDER of the policies, outermost first: the way in runs down the list, the way out runs up.
 * A new policy is one file here beside and one item in this list; schema, reference and checks follow from it.
 */

import type { Policy } from '../core/policy.ts';
import { bodyLimit } from './body-limit.ts';
import { cache } from './cache.ts';
import { compress } from './compress.ts';
import { concurrencyLimit } from './concurrency-limit.ts';
import { deadline } from './deadline.ts';
import { headers } from './headers.ts';
import { ipRules } from './ip-rules.ts';
import { rateLimit } from './rate-limit.ts';
import { serverTiming } from './server-timing.ts';
import { shield } from './shield.ts';

/** All policies, in the order in which requests pass them. */
export const POLICIES = [
  serverTiming, // last on the way out: it tells the time of all that follows, and no cache stores it
  ipRules, // who may not come at all is not counted
  shield, // what nobody serves, and RPCs that are not for everybody
  rateLimit, // keys in the head; those in the body, and what goes upstream, before the request is sent
  concurrencyLimit, // a place is held to the end of the exchange
  deadline, // covers all that follows
  bodyLimit, // before anything is sent on
  compress, // around the cache: what comes out of it in a coding stays as it is
  cache, // what it answers goes no further; what it stores has passed all that stands below
  headers, // last on the way in and first on the way out: nothing overrides what the operator says
] as const satisfies readonly Policy[];
