/** The lines of the log that tell where endpoints were found, or were not. */

import type { GatewayEvents } from '../core/events.ts';
import type { Log } from './log-contract.ts';
import { printable } from './printable.ts';

/** Endpoints beyond this number are not named in a line. */
const MAX_NAMES = 20;
const MAX_TEXT = 512;

/** An upstream has other endpoints than before. */
export function endpointsChanged(log: Log, line: GatewayEvents['endpoints_changed']): void {
  const { upstream, source, endpoints, leftOut } = line;
  const [added, removed] = [named(line.added), named(line.removed)];
  const parts = [
    ...(line.added.length > 0 ? [`${added} came`] : []),
    ...(line.removed.length > 0 ? [`${removed} left`] : []),
    ...(line.added.length + line.removed.length === 0 ? ['other weights'] : []),
    ...(leftOut > 0 ? [`${leftOut} more were found than max_endpoints lets in`] : []),
  ];
  const fields = { event: 'endpoints_changed', upstream, source, endpoints, added, removed, left_out: leftOut };
  const message = `Upstream ${upstream} has ${endpoints} endpoints by ${source}: ${parts.join(', ')}`;
  log.logger[leftOut > 0 ? 'warn' : 'info'](fields, message);
}

/** The endpoints of an upstream could not be looked up. */
export function discoveryFailed(log: Log, line: GatewayEvents['discovery_failed']): void {
  const { upstream, source, kept } = line;
  const problem = printable(log.redactor.text(line.problem.slice(0, 2 * MAX_TEXT)), MAX_TEXT);
  const rest = kept === 0 ? 'it has none' : `the ${kept} that are known stay in use`;
  const message = `Endpoints of upstream ${upstream} were not found by ${source}, ${rest}: ${problem}`;
  log.logger[kept === 0 ? 'error' : 'warn']({ event: 'discovery_failed', upstream, source, kept, problem }, message);
}

/** They could be looked up again. */
export function discoveryRecovered(log: Log, line: GatewayEvents['discovery_recovered']): void {
  const { upstream, source, endpoints } = line;
  const message = `Endpoints of upstream ${upstream} are found by ${source} again: ${endpoints}`;
  log.logger.info({ event: 'discovery_recovered', upstream, source, endpoints }, message);
}

function named(endpoints: readonly string[]): string {
  const more = endpoints.length - MAX_NAMES;
  return [...endpoints.slice(0, MAX_NAMES), ...(more > 0 ? [`${more} more`] : [])].join(' ');
}
