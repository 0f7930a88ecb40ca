/** What makes the numbers of a run doubtful, the worst first. */

import type { Result, ResultFile } from '../load/result.ts';
import { growth } from '../load/table.ts';
import { isRamp } from './measured.ts';
import { counted, percent, time } from './numerals.ts';

/** Of the answers to p99: below, it is decided by chance. */
const FEW_ANSWERS = 1000;
/** More kinds of errors than that are counted only. */
const MOST_LINES = 12;
const BUSY = 0.9;
/** Cores that a server uses at least where it does all it can. */
const IDLE = 0.5;

/** A warning; `bad`: numbers may be wrong, and not only coarse. */
export interface Warning {
  readonly bad: boolean;
  readonly text: string;
}

/** All of a run. */
export function warningsOf({ results, skipped, machine, pinned, target, comparison }: ResultFile): Warning[] {
  const warnings: Warning[] = [];
  const bad = (text: string): void => void warnings.push({ bad: true, text });
  const note = (text: string): void => void warnings.push({ bad: false, text });
  const errors = results.flatMap((result) =>
    Object.entries(result.errorKinds).map(([why, count]) => {
      const share = percent(result.errors / Math.max(1, result.errors + result.answers));
      return `${nameOf(result)}: ${counted(count, 'answer')} wrong: ${why} (all errors there: ${share})`;
    }),
  );
  errors.slice(0, MOST_LINES).forEach(bad);
  if (errors.length > MOST_LINES)
    bad(`${errors.length - MOST_LINES} more kinds of errors; the table has their numbers.`);
  const busy = results.filter(({ loop, generator }) => loop === 'closed' && generator.busy > BUSY);
  if (busy.length > 0) {
    bad(`The generator was busy all the time in ${listed(busy)}: the server may do more than is shown (--threads).`);
  }
  const late = results.filter(isLate);
  if (late.length > 0) {
    const most = Math.max(...late.map(({ generator }) => generator.lateP99Ms));
    bad(
      `The generator sent late, by up to ${time(most)} (p99), in ${listed(late)}: that is part of the latencies there.`,
    );
  }
  const behind = results.filter(
    (one) => one.loop === 'open' && !(one.rate && isRamp(one.rate)) && hasCourse(one) && growth(one) !== undefined,
  );
  const [first] = behind;
  if (first !== undefined) {
    bad(`Latency grew to the end in ${listed(behind)}: the server did not keep up with the rate (${growth(first)}).`);
  }
  const idle = results.filter(
    ({ loop, serverCost, generator }) => loop === 'closed' && generator.busy <= BUSY && (serverCost?.cores ?? 1) < IDLE,
  );
  if (idle.length > 0) {
    note(
      `In the closed loop the server used less than half a core in ${listed(idle)}: the clients were few, or other programs had the cores. The knee there is not the most it can do.`,
    );
  }
  for (const { scenario, server, why } of skipped) note(`${scenario}, ${server}: left out: ${why}`);
  const warmUp = results.filter(({ warmUpErrors }) => Object.keys(warmUpErrors).length > 0);
  if (warmUp.length > 0) note(`Wrong answers while warming up, which count nowhere else, in ${listed(warmUp)}.`);
  const few = results.filter(
    ({ loop, rate, answers }) => loop === 'open' && answers < FEW_ANSWERS && !(rate && isRamp(rate)),
  );
  if (few.length > 0) {
    note(
      `Fewer than ${FEW_ANSWERS.toLocaleString('en-US')} answers in ${listed(few)}: p99 is a handful of them, and p99.9 is the slowest one (--duration).`,
    );
  }
  const varying = results.filter(({ notCompared }) => notCompared.length > 0);
  if (varying.length > 0) note(`Bodies differ each time and were not compared in ${listed(varying)}.`);
  const noise = comparison?.filter(({ withinNoise }) => withinNoise).length ?? 0;
  if (noise > 0) note(`${noise} of ${counted(comparison!.length, 'comparison')} may be chance (more --rounds).`);
  if (target === 'stand-in' && !pinned) note('Nothing had a core of its own: gateway, upstream and load took turns.');
  else if (target === 'stand-in' && machine.cores < 3) note('The load shared its core with the upstream.');
  if (machine.revision?.endsWith('+') === true) note('Files differed from the revision.');
  return warnings;
}

/** Files of old have none. */
function hasCourse({ course }: Partial<Result>): boolean {
  return course !== undefined;
}

/** Whether the generator itself makes a good part of the latencies. */
function isLate({ loop, generator, latencyMs }: Result): boolean {
  return loop === 'open' && generator.lateP99Ms > Math.max(2, latencyMs.p99 / 4);
}

function nameOf({ scenario, server, loop }: Result): string {
  return `${scenario}, ${server}, ${loop} loop`;
}

/** Of many, how many. */
function listed(results: readonly Result[]): string {
  const names = [
    ...new Set(results.map(({ scenario, server }) => (server === 'gatehouse' ? scenario : `${scenario} (${server})`))),
  ];
  if (names.length <= 6) return names.join(', ');
  return `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}
