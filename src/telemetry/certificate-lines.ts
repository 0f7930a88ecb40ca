/** The lines of the log about certificates and tickets, one function each. */

import type { GatewayEvents } from '../core/events.ts';
import type { Log } from './log-contract.ts';
import { printable } from './printable.ts';

function clean(text: string): string {
  return printable(text, 1024);
}

/** A development certificate was made, because none was configured. */
export function certificateMade(log: Log, line: { names: readonly string[]; file: string; until: string }): void {
  const message = `Made a development certificate for ${line.names.join(', ')}: ${line.file}. Clients do not trust it by themselves`;
  log.logger.warn({ event: 'certificate_made', ...line }, message);
}

/** A certificate of the config is in use, from the start or since its file has changed. */
export function certificateLoaded(log: Log, line: { names: readonly string[]; file: string; until: string }): void {
  const message = `Certificate ${line.file} is in use until ${line.until}`;
  log.logger.info({ event: 'certificate_loaded', ...line }, message);
}

/** What some clients may stumble over in a certificate. */
export function certificateDoubtful(log: Log, line: { file: string; problem: string }): void {
  log.logger.warn({ event: 'certificate_doubtful', ...line }, `Certificate ${line.file}: ${clean(line.problem)}`);
}

/** Files were read again, and are in use; names that are gone with it are told apart. */
export function certificatesLoaded(log: Log, line: GatewayEvents['certificates_loaded']): void {
  for (const { file, names, until, warnings } of line.certificates) {
    certificateLoaded(log, { file, names, until });
    for (const problem of warnings) certificateDoubtful(log, { file, problem });
  }
  if (line.vanished.length === 0) return;
  const names = line.vanished.map((name) => printable(name, 255));
  const message = `No certificate of listener ${line.listener} is for ${names.join(', ')} any more: clients of these names will fail`;
  log.logger.warn({ event: 'certificate_names_gone', listener: line.listener, names }, message);
}

/** Files were read again and cannot be used. */
export function certificatesRefused(log: Log, { listener, problem }: GatewayEvents['certificates_refused']): void {
  const why = clean(problem);
  const message = `Certificates of listener ${listener} were refused, the ones before stay in use: ${why}`;
  log.logger.error({ event: 'certificates_refused', listener, problem: why }, message);
}

/** A certificate ends soon, or has ended. */
export function certificateEnding(log: Log, line: GatewayEvents['certificate_ending']): void {
  const { leftDays, ended, ...rest } = line;
  const fields = { event: 'certificate_ending', ...rest, left_days: leftDays };
  if (ended) {
    log.logger.error(fields, `Certificate ${line.file} ended on ${line.until}: clients refuse it`);
    return;
  }
  const message = `Certificate ${line.file} is valid only until ${line.until}, ${leftDays} whole days: renew it`;
  if (leftDays < 3) log.logger.error(fields, message);
  else log.logger.warn(fields, message);
}

/** Tickets are encrypted with another key. */
export function ticketKeyRotated(log: Log): void {
  log.logger.debug({ event: 'ticket_key_rotated' }, 'TLS tickets are encrypted with another key');
}

/** The secret for ticket keys cannot be used. */
export function ticketKeysRefused(log: Log, { file, problem }: GatewayEvents['ticket_keys_refused']): void {
  const why = clean(problem);
  const message = `The secret for TLS tickets was refused, the one before stays in use: ${why}`;
  log.logger.error({ event: 'ticket_keys_refused', file, problem: why }, message);
}
