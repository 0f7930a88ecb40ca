// The public HTTP cache test-suite against the gateway as a general shared cache, and against nginx beside it.
// RFC 9111, 9110 and 5861. Harm: answers that are stale, another's, or mixed from two.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { find } from '../../support/programs.ts';
import { type StartCache, startGatehouse, startNginx } from './caches.ts';
import { KNOWN_FAILING } from './known-failing.ts';
import { published } from './published.ts';
import { runSuite } from './runner.ts';
import { type Score, summary } from './score.ts';
import { missing } from './suite.ts';

/** More than any of the caches whose results the suite ships: Apache has 59. */
const LEAST_OPTIMAL = 85;

describe('the public HTTP cache test-suite', { timeout: 110_000 }, () => {
  let why: string | undefined;
  /** Both run at once, since most of the time is waiting for answers to become stale. */
  let runs: { readonly gatehouse: Promise<Score>; readonly nginx?: Promise<Score> };

  // No other file of tests installs the suite: two at once would be in each other's way.
  before(async () => {
    why = await missing();
    if (why !== undefined) return;
    const run = (start: StartCache): Promise<Score> => {
      const result = runSuite(start);
      // Whoever awaits it hears of it; until then it is not unhandled.
      result.catch(() => {});
      return result;
    };
    // In CI a missing nginx fails the run.
    const beside = find('nginx') !== undefined || process.env.CI === 'true';
    runs = { gatehouse: run(startGatehouse), ...(beside && { nginx: run(startNginx) }) };
  });

  test('the results that the suite ships for nginx 1.18 count as the site shows them', async (t) => {
    if (why !== undefined) return t.skip(why);
    const nginx = (await published()).find(({ name }) => name.startsWith('nginx 1.18'))!;
    assert.match(summary(nginx.name, nginx.score), /required 94\/165, optimal 50\/95, checks 27\/90$/);
  });

  test('the gateway passes every required test but those that are listed with a reason, and no listed one', async (t) => {
    if (why !== undefined) return t.skip(why);
    const score = await runs.gatehouse;
    t.diagnostic(summary('gatehouse', score));
    const failed = new Map(score.failures.filter(({ kind }) => kind === 'required').map(({ id, why }) => [id, why]));
    const news = [...failed].filter(([id]) => !KNOWN_FAILING.has(id)).map(([id, why]) => `${id}: ${why}`);
    assert.deepEqual(news, [], 'these fail, and test/conformance/cache-tests/known-failing.ts does not list them');
    const gone = [...KNOWN_FAILING.keys()].filter((id) => !failed.has(id));
    assert.deepEqual(gone, [], 'these pass now: take them off test/conformance/cache-tests/known-failing.ts');
  });

  test(`the gateway passes at least ${LEAST_OPTIMAL} optimal tests`, async (t) => {
    if (why !== undefined) return t.skip(why);
    const { counts, failures } = await runs.gatehouse;
    const list = failures.filter(({ kind }) => kind === 'optimal').map(({ id, why }) => `${id}: ${why}`);
    assert.ok(
      counts.optimal.passed >= LEAST_OPTIMAL,
      `${counts.optimal.passed} pass, these do not:\n${list.join('\n')}`,
    );
  });

  test('the gateway passes more tests of every kind that counts than nginx does here', async (t) => {
    if (why !== undefined) return t.skip(why);
    if (runs.nginx === undefined) return t.skip('nginx not found on PATH: this is not checked here');
    const [gatehouse, nginx] = [await runs.gatehouse, await runs.nginx];
    t.diagnostic(summary('gatehouse', gatehouse));
    t.diagnostic(summary('nginx', nginx));
    // What nginx gets where the suite is run as its authors run it: far less means that the runner is at fault.
    assert.ok(nginx.counts.required.passed >= 85, summary('nginx', nginx));
    for (const kind of ['required', 'optimal'] as const)
      assert.ok(gatehouse.counts[kind].passed > nginx.counts[kind].passed, kind);
  });
});
