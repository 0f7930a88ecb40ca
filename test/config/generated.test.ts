import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generated } from '../../src/config/generated.ts';
import { POLICIES } from '../../src/policies/index.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

for (const { path, text } of generated()) {
  test(`${path} is what the schema says today (else: node src/config/generate.ts)`, () => {
    // Not assert.equal: the difference of two pages fills the screen.
    assert.ok(readFileSync(join(root, path), 'utf8') === text, `${path} is stale`);
  });
}

test('the reference has a table for every policy, and every key of the file', () => {
  const page = generated().find(({ path }) => path === 'docs/config.md')!.text;
  for (const { name, summary } of POLICIES)
    assert.match(page, new RegExp(`### \`${name}\`\n\n${summary.slice(0, 20)}`));
  for (const key of ['max_url_bytes', 'trusted_proxies', 'session_window_bytes', 'oidc-token', 'login-v2-headers']) {
    assert.ok(page.includes(`| \`${key}\` `), key);
  }
  assert.ok(!page.includes('undefined'));
});

test('no mark of ours is left in the schema for editors', () => {
  const { text } = generated().find(({ path }) => path.endsWith('.json'))!;
  assert.doesNotMatch(text, /"(?:secret|file)": true/);
});

test('generate --check names the stale file and exits with 1; generate makes it current', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-generate-'));
  try {
    for (const name of ['src', 'config', 'docs', 'package.json'])
      cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['src/config/generate.ts', ...args], { cwd: folder, encoding: 'utf8' });
    assert.equal(run('--check').status, 0);
    writeFileSync(join(folder, 'docs/config.md'), 'stale');
    const stale = run('--check');
    assert.equal(stale.status, 1);
    assert.match(stale.stderr, /^docs\/config\.md is stale/);
    assert.equal(readFileSync(join(folder, 'docs/config.md'), 'utf8'), 'stale', '--check writes nothing');
    execFileSync(process.execPath, ['src/config/generate.ts'], { cwd: folder });
    assert.equal(run('--check').status, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
