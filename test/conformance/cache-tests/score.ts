/** The counts of a run, as cache-tests.fyi marks results. */

import { type Group, KINDS, type Kind, type Results, type SuiteTest } from './suite.ts';

/** How many tests of a kind there are, and how many passed. */
export interface Count {
  readonly passed: number;
  readonly all: number;
}

/** A test that did not pass, and why. */
export interface Failure {
  readonly id: string;
  readonly kind: Kind;
  readonly why: string;
}

/** What a run came to. */
export interface Score {
  readonly counts: Readonly<Record<Kind, Count>>;
  /** In the order of the suite. */
  readonly failures: readonly Failure[];
}

/**
 * Counts a run. A test whose `depends_on` failed does not count as passed, whatever it says itself: a cache that stores
 * nothing never serves anything stale either. Tests for browsers do not count.
 */
export function score(groups: readonly Group[], results: Results): Score {
  const tests = new Map(groups.flatMap((group) => group.tests).map((one) => [one.id, one]));
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, { passed: 0, all: 0 }])) as Record<
    Kind,
    { passed: number; all: number }
  >;
  const failures: Failure[] = [];

  function failure({ id, depends_on = [] }: SuiteTest): string | undefined {
    const broken = depends_on.find((one) => failure(tests.get(one)!) !== undefined);
    if (broken !== undefined) return `depends on ${broken}`;
    const result = results[id];
    return result === true ? undefined : (result?.join(': ') ?? 'did not run');
  }

  for (const test of tests.values()) {
    if (test.browser_only === true) continue;
    const kind = test.kind ?? 'required';
    counts[kind].all += 1;
    const why = failure(test);
    if (why === undefined) counts[kind].passed += 1;
    else failures.push({ id: test.id, kind, why });
  }
  return { counts, failures };
}

/** One line about a run: `cache-tests nginx: required 94/165, optimal 50/95, checks 27/90`. */
export function summary(name: string, { counts }: Score): string {
  const part = (kind: Kind): string => `${counts[kind].passed}/${counts[kind].all}`;
  return `cache-tests ${name}: required ${part('required')}, optimal ${part('optimal')}, checks ${part('check')}`;
}
