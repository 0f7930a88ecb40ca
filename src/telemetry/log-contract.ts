/** What the log is to those who say something in it. */

import type { Logger } from 'pino';
import type { LogLevel } from '../core/catalogue.ts';
import type { Clock } from '../core/clock.ts';
import type { Redactor } from './redact.ts';

/** What may stand in a field of a line; undefined leaves the field out. */
export type LogFields = Record<string, string | number | boolean | readonly string[] | undefined>;

/** The log of the process. What is said in it, other than records of exchanges, stands in `lines.ts`. */
export interface Log {
  readonly logger: Logger;
  /** Lines are made for people, not for programs. */
  readonly human: boolean;
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Whether lines of this level are written. */
  enabled(level: LogLevel): boolean;
  /**
   * Writes one line of plain fields, in the form that `logger` has. pino 10.4 goes through the fields one by one, which
   * takes 2.5 µs for the 26 of a record; this takes 0.6.
   */
  record(level: LogLevel, fields: LogFields, message?: string): void;
  /** Writes whole lines that another thread has made in the same form. */
  relay(lines: string): void;
  /** Lines lost because the reader had stopped. */
  dropped(): number;
  /** Writes what waits, for at most `deadlineMs`; false when something was left behind. No line comes out afterwards. */
  close(deadlineMs: number): Promise<boolean>;
}
