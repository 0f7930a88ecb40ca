/** The lines of the log about certificates that are ordered by ACME, one function each. No token and no key is in them. */

import type { GatewayEvents } from '../core/events.ts';
import type { Log } from './log-contract.ts';
import { printable } from './printable.ts';

/** A certificate was issued and is stored; that it is in use is a line of its own. */
export function acmeIssued(log: Log, line: GatewayEvents['acme_issued']): void {
  const message = `A certificate for ${line.names.join(', ')} was issued, valid until ${line.until}`;
  log.logger.info({ event: 'acme_issued', ...line }, message);
}

/** None was issued; there will be another try. */
export function acmeFailed(log: Log, { names, problem, retryInMs }: GatewayEvents['acme_failed']): void {
  const why = printable(problem, 1024);
  const minutes = Math.max(1, Math.round(retryInMs / 60_000));
  const message = `No certificate for ${names.join(', ')} could be had, tried again in ${minutes} minutes: ${why}`;
  log.logger.error({ event: 'acme_failed', names, problem: why, retry_in_ms: retryInMs }, message);
}

/** A certificate authority asked, and got its answer. */
export function acmeChallenge(log: Log, { listener }: GatewayEvents['acme_challenge']): void {
  log.logger.info(
    { event: 'acme_challenge', listener },
    `Answered a challenge of the certificate authority at ${listener}`,
  );
}
