// Outside programs: skipped where missing, except in CI.
// Harm: a check that CI skips in silence is a check that nobody has.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { find, needs, program, say } from './programs.ts';

const { PATH, CI } = process.env;
afterEach(() => {
  process.env.PATH = PATH;
  if (CI === undefined) delete process.env.CI;
  else process.env.CI = CI;
});

test('what is missing is skipped by name', () => {
  process.env.PATH = '/nowhere';
  delete process.env.CI;
  assert.equal(find('curl'), undefined);
  assert.match(needs('curl', 'go').skip ?? '', /^curl, go not found/);
});

test('in CI it is not skipped, and looking for it fails', () => {
  process.env.PATH = '/nowhere';
  process.env.CI = 'true';
  assert.deepEqual(needs('curl'), {});
  assert.throws(() => program('curl'), /curl is not installed, and CI must not skip/);
});

test('a program gets its input and its exit code is told', async () => {
  const script = 'process.stdin.on("data", (text) => { process.stdout.write(text); process.exitCode = 3; })';
  const { code, stdout } = await say(process.execPath, ['-e', script], { input: 'in and out' });
  assert.deepEqual([code, stdout.toString()], [3, 'in and out']);
});
