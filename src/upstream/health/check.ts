/** What a check of an endpoint is. */

/** What came of one check. */
export interface CheckResult {
  readonly ready: boolean;
  /** Something answered, whatever it said. */
  readonly reachable: boolean;
  /** What was found, for people. */
  readonly found: string;
}

/**
 * Asks an endpoint, `host:port`, whether it is ready; always on a connection of its own that is closed afterwards. Never
 * rejects. Gives up when the signal says so.
 */
export type Check = (address: string, signal: AbortSignal) => Promise<CheckResult>;
