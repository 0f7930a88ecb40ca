// The numbers in the docs: those of a stored run, written by a command.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { withNumbers } from '../../bench/report/numbers.ts';
import { runProcess } from '../support/started-process.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = mkdtempSync(join(tmpdir(), 'gatehouse-numbers-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const MARKS = [
  '<!-- numbers, from here on: npm run bench:report -- FILE.json --numbers THIS_FILE -->',
  '<!-- numbers, to here -->',
] as const;

test('numbers take the place of those that were there, and the text around them stays', () => {
  const text = `# Title\n\n${MARKS[0]}\n\nold\n\n${MARKS[1]}\n\nafter\n`;
  const once = withNumbers(text, 'new');
  assert.equal(once, text.replace('old', 'new'));
  assert.equal(withNumbers(once, 'new'), once);
});

test('a file without the marks is refused with what was expected, and is not changed', async () => {
  assert.throws(() => withNumbers('# Title\n', 'new'), /expected the lines <!-- numbers, from here on/);
  assert.throws(() => withNumbers(`${MARKS[1]}\n${MARKS[0]}\n`, 'new'), /expected the lines/);
  const [page, results] = [join(FOLDER, 'page.md'), join(FOLDER, 'none.json')];
  writeFileSync(page, '# Title\n');
  writeFileSync(results, '{"format":"another"}');
  const main = join(ROOT, 'bench', 'report', 'main.ts');
  const { code, stderr } = await runProcess(process.execPath, [main, results, '--numbers', page]);
  assert.equal(code, 2);
  assert.match(stderr, /^bench:report: /);
  assert.equal(readFileSync(page, 'utf8'), '# Title\n');
});

test('the pages of the project that have numbers have both marks', () => {
  for (const page of ['bench/README.md', 'docs/performance.md']) {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const mark of MARKS) assert.ok(text.includes(mark), `${page}: ${mark}`);
  }
});
