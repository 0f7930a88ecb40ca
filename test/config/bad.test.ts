// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment, in YAML
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';

// Every file in bad/ cannot be used, and stands beside all that is said about it: one line a problem, with its position.

const folder = new URL('bad/', import.meta.url);
const env = { ADDRESS: '127.0.0.1:0', WORDS: 'many', EMPTY: '', SHORT: 'short-secret' };

for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
  test(`bad/${file} is refused with all its problems`, () => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    const expected = readFileSync(new URL(file.replace('.yaml', '.txt'), folder), 'utf8');
    assert.throws(
      () => parseConfig(text, { file, env }),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(`${error.message}\n`, expected);
        return true;
      },
    );
  });
}

test('every text of expected problems has its file', () => {
  const names = readdirSync(folder);
  assert.deepEqual(
    names.filter((name) => name.endsWith('.txt') && !names.includes(name.replace('.txt', '.yaml'))),
    [],
  );
});
