/** What is known of an endpoint's health. Written by the checker and by ejections, read by the roster. */

/** What checks have found last; `unknown` before the first one. */
export type Health = 'unknown' | 'healthy' | 'unhealthy';

/** The health of one endpoint. Times are monotonic milliseconds where nothing else is said. */
export class Standing {
  /** What active checks say. */
  checked: Health = 'unknown';
  /** Why it is not used, or was not; for people. */
  reason: string | undefined;
  /** When `checked` changed or an ejection began or ended; wall time. */
  since: number;
  /** Since when it is used: slow start counts from here. */
  usableSince: number;
  /** Not used until then; 0 where it is not ejected. */
  ejectedUntil = 0;
  /** The same as wall time. */
  ejectedUntilWall = 0;
  /** When the last ejection ended. */
  returnedAt = 0;
  /** Ejections since it was in good standing for long: the next one is longer. */
  ejections = 0;
  /** Failures since the last success. */
  consecutive = 0;
  /** It was ejected and has not shown since that it works: one failure is enough to eject it again. */
  probation = false;
  /** Answers of this window. */
  good = 0;
  bad = 0;

  constructor(now: number, wall: number) {
    this.usableSince = now;
    this.since = wall;
  }

  get ejected(): boolean {
    return this.ejectedUntil > 0;
  }

  /** The ejection is over, by time or because a check has seen it come back. */
  endEjection(now: number, wall: number): void {
    this.ejectedUntil = 0;
    this.returnedAt = now;
    this.usableSince = now;
    this.since = wall;
    this.consecutive = 0;
    this.good = 0;
    this.bad = 0;
  }
}
