/** Scenarios as tests, several at once: most of their time they wait for something to end or to be noticed. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Scenario, SHORT } from '../../bench/chaos/scenario.ts';
import { TEST_UPSTREAM_ENGINE } from '../support/engine.ts';

const PACE = { ...SHORT, upstreamEngine: TEST_UPSTREAM_ENGINE };

/** Declares a test for each; times of answers are left to `npm run chaos`. */
export function testScenarios(title: string, scenarios: readonly Scenario[]): void {
  describe(title, { concurrency: 3 }, () => {
    for (const { name, what, run } of scenarios) {
      test(`${name}: ${what}`, async () => {
        const { tally, claims } = await run(PACE);
        assert.equal(tally.outcomes.length, tally.sent);
        const broken = claims.filter(({ holds, timing }) => !holds && !timing);
        assert.deepEqual(broken, [], tally.reasons().join('\n'));
      });
    }
  });
}
