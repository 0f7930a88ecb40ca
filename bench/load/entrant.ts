/** A server and what it is asked in one scenario. */

import type { Server } from './measure.ts';
import type { Rehearsal } from './probe.ts';

/** Takes part in a scenario: it was asked before, and its answers were right. */
export interface Entrant {
  readonly server: Server;
  readonly rehearsal: Rehearsal;
}

/** The name of the first request whose answer has another body at the one than at the other, where both are known. */
export function differing(one: Rehearsal, other: Rehearsal): string | undefined {
  const digests = new Map(one.requests.map(({ name, expectation }) => [name, expectation.digest]));
  return other.requests.find(({ name, expectation }) => {
    const digest = digests.get(name);
    return digest !== undefined && expectation.digest !== undefined && digest !== expectation.digest;
  })?.name;
}
