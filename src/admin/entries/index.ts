import type { AdminSources, Entry } from '../entry.ts';
import { bans } from './bans.ts';
import { cache } from './cache.ts';
import { certificates } from './certificates.ts';
import { config } from './config.ts';
import { drain } from './drain.ts';
import { explain } from './explain.ts';
import { limits } from './limits.ts';
import { live } from './live.ts';
import { metrics } from './metrics.ts';
import { ready } from './ready.ts';
import { reload } from './reload.ts';
import { status } from './status.ts';
import { upstreams } from './upstreams.ts';

/** The paths of the admin listener. */
export function entriesOf(sources: AdminSources): Entry[] {
  return [
    live(),
    ready(sources),
    metrics(sources),
    config(sources),
    status(sources),
    upstreams(sources),
    certificates(sources),
    limits(sources),
    ...bans(sources),
    ...cache(sources),
    explain(sources),
    ...reload(sources),
    ...drain(sources),
  ];
}
