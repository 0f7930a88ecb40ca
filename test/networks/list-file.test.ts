// A list of addresses in a file: it follows the file, and a file that cannot be used changes nothing.

import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { ListFile, parseList } from '../../src/networks/list-file.ts';
import { ConfiguredNetworks } from '../../src/networks/named-networks.ts';
import { HandClock } from '../support/hand-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-lists-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fileOf = (text: string): string => {
  files += 1;
  const file = join(folder, `list-${files}.txt`);
  writeFileSync(file, text);
  return file;
};

function started(file: string) {
  const clock = new HandClock();
  const told: string[] = [];
  const list = new ListFile(file, clock, {
    onReloaded: (size) => told.push(`${size} networks`),
    onFailed: (problem) => told.push(problem),
  });
  return { list, told, look: () => clock.pass(10_000) };
}

test('comments, blank lines and both families are read; a problem names file, line and what was expected', () => {
  const prefixes = parseList('# ours\n10.0.0.0/8 # office\n\n2001:db8::/32\r\n192.0.2.1\n', 'list.txt');
  assert.deepEqual(prefixes, [
    { address: '10.0.0.0', prefix: 8 },
    { address: '2001:db8::', prefix: 32 },
    { address: '192.0.2.1', prefix: 32 },
  ]);
  assert.throws(
    () => parseList('10.0.0.0/8\n10.0.0.0/33\n', 'list.txt'),
    /^Error: list\.txt:2: expected a prefix from 0 to 32, not '10\.0\.0\.0\/33'$/,
  );
});

test('any text is read or refused by line, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      try {
        parseList(text, 'f');
      } catch (error) {
        assert.match((error as Error).message, /^f:\d+: expected /);
      }
    }),
  );
});

test('a file that is replaced is read again, also through a link that is moved to another file', () => {
  const [one, other] = [fileOf('10.0.0.0/8\n'), fileOf('192.0.2.0/24\n2001:db8::/32\n')];
  const link = join(folder, 'link.txt');
  symlinkSync(one, link);
  const { list, told, look } = started(link);
  using _ = list;
  assert.deepEqual([list.table.longest('10.1.1.1'), list.table.longest('192.0.2.9')], [8, -1]);
  symlinkSync(other, `${link}.new`);
  renameSync(`${link}.new`, link);
  look();
  assert.deepEqual(told, ['2 networks']);
  assert.deepEqual(
    [list.table.longest('10.1.1.1'), list.table.longest('192.0.2.9'), list.table.longest('2001:db8::1')],
    [-1, 24, 32],
  );
});

test('a file that is gone or garbage keeps the list before in use, and is told once', () => {
  const file = fileOf('10.0.0.0/8\n');
  const { list, told, look } = started(file);
  using _ = list;
  writeFileSync(file, 'not a network at all\n');
  look();
  look();
  assert.equal(told.length, 1);
  assert.match(told[0]!, /:1: expected an address or a CIDR/);
  unlinkSync(file);
  look();
  assert.equal(told.length, 2);
  assert.equal(list.table.longest('10.1.1.1'), 8);
  writeFileSync(file, '192.0.2.0/24\n');
  look();
  assert.equal(list.table.longest('192.0.2.1'), 24, 'and a good one is taken again');
});

test('a list that cannot be read at the start is a problem that names it', () => {
  const told = { onReloaded() {}, onFailed() {} };
  assert.throws(
    () => new ConfiguredNetworks({ office: { addresses: [], file: join(folder, 'nowhere') } }, new HandClock(), told),
    /networks\.office: .*ENOENT/,
  );
});

test('a named list has its addresses and those of its file; it stays the same object, and the version says that it changed', () => {
  const clock = new HandClock();
  const file = fileOf('192.0.2.0/24\n');
  const told = { onReloaded() {}, onFailed() {} };
  using networks = new ConfiguredNetworks({ office: { addresses: ['10.0.0.0/8'], file } }, clock, told);
  const office = networks.get('office');
  assert.deepEqual([office.longest('10.1.1.1'), office.longest('192.0.2.1'), office.size], [8, 24, 2]);
  writeFileSync(file, '198.51.100.0/24\n# more\n');
  clock.pass(10_000);
  assert.deepEqual([office.longest('192.0.2.1'), office.longest('198.51.100.1'), networks.version], [-1, 24, 1]);
  assert.throws(() => networks.get('nobody'), /no list @nobody/);
});
