// Links between the papers lead to the section that they name, and the files that papers and sources name are there.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const PAPERS = globSync(['*.md', '{docs,certs,bench,test}/**/*.md'], { cwd: ROOT, exclude: ['**/node_modules'] });

/** A paper without its code blocks, where `#` begins a comment. */
const prose = (path: string): string => read(path).replace(/^( *)```[\s\S]*?^\1```/gm, '');

/** The anchors of a paper as GitHub makes them: lower-case, without punctuation, numbered where they are there twice. */
function anchors(path: string): Set<string> {
  const made = new Set<string>();
  for (const [, heading] of prose(path).matchAll(/^#{1,6} (.+)$/gm)) {
    const text = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim();
    const plain = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-');
    let anchor = plain;
    for (let i = 1; made.has(anchor); i += 1) anchor = `${plain}-${i}`;
    made.add(anchor);
  }
  return made;
}

describe('every paper', () => {
  for (const paper of PAPERS) {
    test(`${paper}: its links lead to files and to headings that there are`, () => {
      const lost = [...prose(paper).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)]
        .map((match) => match[1]!)
        .filter((link) => {
          const [path, anchor] = link.split('#', 2) as [string, string | undefined];
          const file = path === '' ? paper : normalize(join(dirname(paper), path));
          if (!existsSync(join(ROOT, file))) return true;
          return anchor !== undefined && !(file.endsWith('.md') && anchors(file).has(anchor));
        });
      assert.deepEqual(lost, []);
    });
  }
});

test('ARCHITECTURE.md names files of src/ that there are', () => {
  const named = [...read('ARCHITECTURE.md').matchAll(/`((?:[\w-]+\/)+[\w-]+\.ts)`/g)].map((match) => match[1]!);
  assert.ok(named.length > 20);
  assert.deepEqual(
    named.filter((path) => !existsSync(join(ROOT, 'src', path)) && !existsSync(join(ROOT, path))),
    [],
  );
});

test('papers that sources, configs and scripts point to are there', () => {
  const sources = globSync(['{src,config,scripts,bench}/**/*.{ts,json,yaml,sh}', 'Dockerfile'], {
    cwd: ROOT,
    exclude: ['**/node_modules'],
  });
  assert.ok(sources.length > 100);
  const lost = sources.flatMap((source) =>
    [...read(source).matchAll(/\b(docs\/[\w-]+\.md)(?:#([\w-]+))?/g)]
      .filter(([, path, anchor]) => {
        if (!existsSync(join(ROOT, path!))) return true;
        return anchor !== undefined && !anchors(path!).has(anchor);
      })
      .map(([text]) => `${source}: ${text}`),
  );
  assert.deepEqual(lost, []);
});
