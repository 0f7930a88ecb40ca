// What stands between an old Node and a wall of syntax errors.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runProcess } from './support/started-process.ts';

const ROOT = join(import.meta.dirname, '..');

describe('src/runtime.cjs', () => {
  const script = join(ROOT, 'src', 'runtime.cjs');
  /** The script under a Node that says it is another. */
  const under = (version: string) =>
    runProcess(process.execPath, [
      '--eval',
      `Object.defineProperty(process.versions, 'node', { value: '${version}' }); require(${JSON.stringify(script)})`,
    ]);

  test('is silent on a Node that will do', async () => {
    for (const version of [process.versions.node, '26.10.0', '26.11.3', '27.0.0'])
      assert.deepEqual(await under(version), { code: 0, signal: null, stdout: '', stderr: '' });
  });

  test('on an older one says what it found, what it needs and what to do, and ends with 1', async () => {
    for (const version of ['20.20.2', '26.9.9']) {
      const { code, stderr } = await under(version);
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`needs Node >=26\\.10, found ${version.replaceAll('.', '\\.')}`));
      assert.match(stderr, /run `npm ci` without --omit=optional/);
    }
  });

  test('is JavaScript that an old Node can read', () => {
    assert.doesNotMatch(readFileSync(script, 'utf8'), /\?\?|\?\.|^import /m);
  });
});
