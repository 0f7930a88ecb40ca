/** How important requests are to each other when there is not room for all. */

/** Most important first. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;

/** `exempt` is never refused, and counts nowhere: probes. */
export type Priority = (typeof PRIORITIES)[number] | 'exempt';

/** The place of a priority in `PRIORITIES`: 0 for the most important; -1 for `exempt`. */
export type Rank = number;

/** How many ranks there are. */
export const RANKS = PRIORITIES.length;

/** The rank of a priority: its place in `PRIORITIES`, -1 for `exempt`. */
export function rankOf(priority: Priority): Rank {
  return priority === 'exempt' ? -1 : PRIORITIES.indexOf(priority);
}
