import type { AdminSources, Entry } from '../entry.ts';
import { config } from './config.ts';
import { live } from './live.ts';
import { metrics } from './metrics.ts';
import { ready } from './ready.ts';
import { reload } from './reload.ts';
import { upstreams } from './upstreams.ts';

/** The paths of the admin listener. */
export function entriesOf(sources: AdminSources): Entry[] {
  return [live(), ready(sources), metrics(sources), config(sources), upstreams(sources), ...reload(sources)];
}
