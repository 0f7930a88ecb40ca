// A list of addresses in a file: it follows the file, and a file that cannot be used changes nothing.

import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
  /** The file is looked at, and once more when it had time to settle. */
  const look = (): void => {
    clock.pass(10_000);
    clock.pass(50);
  };
  return { list, told, look, clock };
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

test('a file that is being written is read when it has come to rest, not half', () => {
  const file = fileOf('10.0.0.0/8\n');
  const { list, told, clock } = started(file);
  using _ = list;
  writeFileSync(file, '');
  clock.pass(10_000);
  appendFileSync(file, '192.0.2.0/24\n198.51.');
  clock.pass(50);
  assert.deepEqual([told, list.table.longest('10.1.1.1')], [[], 8], 'the list before, not an empty one');
  appendFileSync(file, '100.0/24\n');
  clock.pass(50);
  clock.pass(50);
  assert.deepEqual([told, list.table.longest('198.51.100.1')], [['2 networks'], 24]);
});

test('a file that grows without end, as a list of bans under attack does, is read all the same', () => {
  const file = fileOf('10.0.0.0/8\n');
  const { list, told, clock } = started(file);
  using _ = list;
  appendFileSync(file, '192.0.2.0\n');
  clock.pass(10_000);
  for (let i = 1; i <= 25; i += 1) {
    appendFileSync(file, `192.0.2.${i}\n`);
    clock.pass(50);
  }
  assert.notEqual(told.length, 0);
  assert.equal(list.table.longest('192.0.2.9'), 32);
});

test('a file that is cut to nothing is a list without networks, and is told with its size', () => {
  const file = fileOf('10.0.0.0/8\n');
  const { list, told, look } = started(file);
  using _ = list;
  truncateSync(file);
  look();
  assert.deepEqual([told, list.table.longest('10.1.1.1')], [['0 networks'], -1]);
});

test('another file of the same size and the same mtime is another file', () => {
  const [file, other] = [fileOf('10.0.0.0/8\n'), fileOf('11.0.0.0/8\n')];
  for (const one of [file, other]) utimesSync(one, 1_700_000_000, 1_700_000_000);
  const { list, told, look } = started(file);
  using _ = list;
  renameSync(other, file);
  look();
  assert.deepEqual([told, list.table.longest('11.1.1.1')], [['1 networks'], 8]);
});

test('a folder, a pipe and a file beyond the limit are not read', () => {
  const told = { onReloaded() {}, onFailed() {} };
  assert.throws(() => new ListFile(folder, new HandClock(), told), /expected a file/);
  assert.throws(() => new ListFile('/dev/zero', new HandClock(), told), /expected a file/);
  const large = fileOf('');
  truncateSync(large, 16_777_217);
  assert.throws(() => new ListFile(large, new HandClock(), told), /has 16777217 bytes, expected 16777216 at most/);
});

/** A clock that tells when somebody waits for a file to settle. */
class WaitedClock extends HandClock {
  readonly #settling = Promise.withResolvers<void>();
  readonly settling = this.#settling.promise;

  override after(ms: number, callback: () => void): () => void {
    if (ms === 50) this.#settling.resolve();
    return super.after(ms, callback);
  }
}

for (const [how, place] of [
  ['a rename', (file: string, next: string) => renameSync(next, file)],
  ['writing', (file: string, next: string) => writeFileSync(file, readFileSync(next))],
  [
    'a link of a mounted ConfigMap',
    (file: string, next: string) => {
      symlinkSync(dirname(next), join(dirname(file), '..new'));
      renameSync(join(dirname(file), '..new'), join(dirname(file), '..data'));
    },
  ],
] as const) {
  test(`a change by ${how} is seen at once, not only when it is looked for`, { timeout: 10_000 }, async () => {
    const mounted = mkdtempSync(join(folder, 'mounted-'));
    for (const [version, text] of [
      ['one', '10.0.0.0/8\n'],
      ['two', '192.0.2.0/24\n2001:db8::/32\n'],
    ] as const) {
      mkdirSync(join(mounted, version));
      writeFileSync(join(mounted, version, 'list.txt'), text);
    }
    const file = join(mounted, 'list.txt');
    symlinkSync(join(mounted, 'one'), join(mounted, '..data'));
    if (how.includes('link')) symlinkSync(join('..data', 'list.txt'), file);
    else writeFileSync(file, '10.0.0.0/8\n');
    const clock = new WaitedClock();
    const told: string[] = [];
    using list = new ListFile(file, clock, {
      onReloaded: (size) => told.push(`${size} networks`),
      onFailed: (problem) => told.push(problem),
    });
    place(file, join(mounted, 'two', 'list.txt'));
    await clock.settling;
    clock.pass(50);
    assert.deepEqual([told, list.table.longest('2001:db8::1')], [['2 networks'], 32]);
  });
}

test('a list that is disposed is not read any more', () => {
  const file = fileOf('10.0.0.0/8\n');
  const { list, told, clock } = started(file);
  writeFileSync(file, '192.0.2.0/24\n');
  clock.pass(10_000);
  list[Symbol.dispose]();
  clock.pass(10_000);
  clock.pass(50);
  assert.deepEqual([told, list.table.longest('10.1.1.1')], [[], 8]);
});

test('a list that cannot be read at the start is a problem that names it', () => {
  const told = { onReloaded() {}, onFailed() {} };
  assert.throws(
    () => new ConfiguredNetworks({ office: { addresses: [], file: join(folder, 'nowhere') } }, new HandClock(), told),
    /networks\.office\.file: .*ENOENT/,
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
  clock.pass(50);
  assert.deepEqual([office.longest('192.0.2.1'), office.longest('198.51.100.1'), networks.version], [-1, 24, 1]);
  assert.throws(() => networks.get('nobody'), /no list @nobody/);
});
