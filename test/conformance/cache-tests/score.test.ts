// Runs are counted as cache-tests.fyi counts them. Harm: a count that flatters, so that nobody looks.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { score, summary } from './score.ts';
import type { Group, Results } from './suite.ts';

const one: Group = {
  id: 'one',
  name: 'One',
  tests: [
    { id: 'stored', name: 'Stored', kind: 'optimal' },
    { id: 'not-stale', name: 'Not served stale', depends_on: ['stored'] },
    { id: 'aged', name: 'Has an Age', kind: 'check', depends_on: ['not-stale'] },
    { id: 'browser', name: 'In browsers', browser_only: true },
    { id: 'alone', name: 'Alone' },
  ],
};

describe('the counts of a run', () => {
  test('take the three kinds apart, required where nothing is said, and leave browser tests out', () => {
    const { counts, failures } = score([one], { stored: true, 'not-stale': true, aged: true, alone: true });
    assert.deepEqual(counts, {
      required: { passed: 2, all: 2 },
      optimal: { passed: 1, all: 1 },
      check: { passed: 1, all: 1 },
    });
    assert.deepEqual(failures, []);
  });

  test('a test that passes while what it depends on fails does not count as passed, however far away that is', () => {
    const results: Results = { stored: ['Assertion', 'not cached'], 'not-stale': true, aged: true, alone: true };
    const run = score([one], results);
    assert.deepEqual(run.failures, [
      { id: 'stored', kind: 'optimal', why: 'Assertion: not cached' },
      { id: 'not-stale', kind: 'required', why: 'depends on stored' },
      { id: 'aged', kind: 'check', why: 'depends on not-stale' },
    ]);
    assert.equal(summary('nothing', run), 'cache-tests nothing: required 1/2, optimal 0/1, checks 0/1');
  });

  test('a test without a result has failed', () => {
    assert.deepEqual(score([one], { stored: true, 'not-stale': true, aged: true }).failures, [
      { id: 'alone', kind: 'required', why: 'did not run' },
    ]);
  });
});
