// The micro-benchmarks: every case does what its name says, or nothing is measured.
// Harm: a benchmark of a wrong answer is fast, and somebody makes the product worse by it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { inTurn, measured } from '../../bench/micro/case.ts';
import { CASE_FILES, SCRIPTS } from '../../bench/micro/files.ts';
import { checkCase, type Measurement, measureCase } from '../../bench/micro/measurement.ts';

const MICRO = join(import.meta.dirname, '..', '..', 'bench', 'micro');
/** What cases are made of and measured by. */
const PARTS = ['case', 'exchanges', 'files', 'main', 'measurement', 'requests', 'thread'];

const command = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['--expose-gc', join(MICRO, 'main.ts'), ...args]);

for (const [file, { load }] of Object.entries(CASE_FILES)) {
  test(`${file}: every case gives the right result`, async () => {
    const { cases } = await load();
    assert.ok(cases.length > 0);
    assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length, 'two cases of one name');
    for (const one of cases) {
      await checkCase(one);
      // Those that take one input after the other, with the next ones too.
      for (let i = 0; i < 5; i += 1) await checkCase(one);
    }
  });
}

test('every file of the folder is listed', () => {
  const files = globSync('*.ts', { cwd: MICRO }).map((file) => basename(file, '.ts'));
  assert.deepEqual(files.sort(), [...Object.keys(CASE_FILES), ...Object.keys(SCRIPTS), ...PARTS].sort());
});

describe('a measurement', () => {
  test('of a wrong result is an error that names the case', async () => {
    const wrong = measured(
      'two and two',
      () => 5,
      (sum) => assert.equal(sum, 4),
    );
    await assert.rejects(measureCase('sums', wrong, 1), { message: 'two and two: the result is wrong' });
  });

  test('of a result that becomes wrong meanwhile is an error, too', async () => {
    let calls = 0;
    const tiring = measured(
      'a limit',
      () => {
        calls += 1;
        return calls;
      },
      (call) => assert.ok(call < 5, 'used up'),
    );
    await assert.rejects(measureCase('limits', tiring, 1), { message: 'a limit: the result is wrong' });
  });

  test('has nanoseconds in their order, and the bytes that were allocated', async () => {
    const BYTES = 4096;
    const allocating = measured(
      'an array buffer',
      () => new Float64Array(BYTES / 8).fill(1.5),
      (array) => assert.equal(array[7], 1.5),
    );
    const { min, p50, p99, mean, bytes, samples, batch } = await measureCase('buffers', allocating, 20);
    assert.ok(min > 0 && min <= p50 && p50 <= p99 && mean >= min);
    assert.ok(samples >= 5 && batch >= 1);
    assert.ok(bytes >= BYTES && bytes < 2 * BYTES, `${bytes} bytes`);
  });

  test('of a promise waits for it, and counts what it does at once', async () => {
    let waiting = 0;
    const eight = measured(
      'eight at once',
      async () => {
        waiting += 1;
        await Promise.resolve();
        waiting -= 1;
        return waiting;
      },
      (left) => assert.equal(left, 0),
      8,
    );
    assert.equal((await measureCase('promises', eight, 1)).batch % 8, 0);
  });
});

test('values come in turn, and begin again', () => {
  const next = inTurn([1, 2, 3]);
  assert.deepEqual([next(), next(), next(), next()], [1, 2, 3, 1]);
});

describe('the command', () => {
  test('lists all there is', async () => {
    const { stdout } = await command('--list');
    for (const name of [...Object.keys(CASE_FILES), ...Object.keys(SCRIPTS)])
      assert.match(stdout, new RegExp(` ${name} `));
  });

  test('measures what is named, and writes it down', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'micro-'));
    try {
      const file = join(folder, 'now.json');
      const { stdout } = await command('budgets', '--ms', '1', '--json', file);
      const { cases } = await CASE_FILES.budgets!.load();
      for (const { name } of cases) assert.ok(stdout.includes(name));
      const { machine, measurements } = JSON.parse(readFileSync(file, 'utf8'));
      assert.equal(machine.node, process.version);
      assert.deepEqual(
        measurements.map((one: Measurement) => [one.file, one.name]),
        cases.map(({ name }) => ['budgets', name]),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const [args, said] of [
    [['nothing-such'], /no 'nothing-such': expected routes, /],
    [['--ms', '1.5'], /--ms: expected a whole number from 1 to 60000, not '1\.5'/],
    [['--wrong'], /Unknown option '--wrong'/],
  ] as const) {
    test(`refuses ${args.join(' ')}`, async () => {
      await assert.rejects(command(...args), (error: { code: number; stderr: string }) => {
        assert.equal(error.code, 2);
        assert.match(error.stderr, said);
        return true;
      });
    });
  }
});
