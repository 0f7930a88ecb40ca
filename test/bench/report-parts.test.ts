// The parts of the report that know no browser: where values stand on axes, what sentences say, what is escaped.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { build } from 'hdr-histogram-js';
import { shownArguments, shownCommand } from '../../bench/load/command-line.ts';
import type { Machine } from '../../bench/load/machine.ts';
import type { Interval, Result, ResultFile, ServerCost } from '../../bench/load/result.ts';
import { intervalOf, Tally } from '../../bench/load/tally.ts';
import { exceeded, readThresholds } from '../../bench/load/threshold.ts';
import { courseText } from '../../bench/report/course-figure.ts';
import { html } from '../../bench/report/markup.ts';
import { ScenarioFindings } from '../../bench/report/measured.ts';
import { digits, percent, tickText, time } from '../../bench/report/numerals.ts';
import { curve } from '../../bench/report/percentile-figure.ts';
import { repeatCommand } from '../../bench/report/repeat.ts';
import { linearTicks, logTicks, ninesOf, percentileOf, percentileScale, scaleOf } from '../../bench/report/scale.ts';
import { readStoredResults } from '../../bench/report/stored-results.ts';
import { warningsOf } from '../../bench/report/warnings.ts';
import { say } from '../support/programs.ts';

const size = fc.double({ min: 1e-4, max: 1e9, noNaN: true });
const SPAN = [10, 390] as const;

describe('an axis', () => {
  test('from nought has even ticks, not many, that reach the largest value and not far beyond', () => {
    fc.assert(
      fc.property(size, fc.integer({ min: 2, max: 8 }), (most, count) => {
        const ticks = linearTicks(most, count);
        const step = ticks[1]!;
        assert.equal(ticks[0], 0);
        assert.ok(ticks.length >= 2 && ticks.length <= count + 2, `${ticks}`);
        assert.ok(ticks.at(-1)! >= most * (1 - 1e-6) && ticks.at(-1)! - step < most);
        for (const [index, tick] of ticks.entries()) assert.ok(Math.abs(tick - index * step) <= tick * 1e-6);
        assert.match(step.toExponential(), /^[125]e/);
      }),
    );
  });

  test('of powers has ticks of 1, 2 and 5 that hold both values', () => {
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [least, most] = [Math.min(a, b), Math.max(a, b)];
        const ticks = logTicks(least, most);
        assert.ok(ticks.length >= 2);
        assert.ok(ticks[0]! <= least * (1 + 1e-6) && ticks.at(-1)! >= most * (1 - 1e-6), `${least} ${most} ${ticks}`);
        for (const [index, tick] of ticks.entries()) {
          assert.match(tick.toExponential(), /^[125]e/);
          assert.ok(index === 0 || tick > ticks[index - 1]!);
        }
      }),
    );
  });

  test('keeps the order of values, stays inside the chart, and names few of them', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(values, (all) => {
        const scale = scaleOf(all, SPAN);
        const places = all.toSorted((a, b) => a - b).map((value) => scale.at(value));
        for (const [index, place] of places.entries()) {
          assert.ok(place >= SPAN[0] - 1e-9 && place <= SPAN[1] + 1e-9, `${place}`);
          assert.ok(index === 0 || place >= places[index - 1]! - 1e-9);
        }
        assert.ok(scale.ticks.length >= 2 && scale.ticks.length <= 12, `${scale.ticks}`);
      }),
    );
  });

  test('of percentiles has equal distances between nines', () => {
    const scale = percentileScale(99.99, SPAN);
    assert.deepEqual(scale.ticks, [0, 50, 90, 99, 99.9, 99.99]);
    const [nine, two, three] = [90, 99, 99.9].map((percentile) => scale.at(percentile)) as [number, number, number];
    assert.ok(Math.abs(two - nine - (three - two)) < 1e-6);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 6, noNaN: true }), (nines) => {
        assert.ok(Math.abs(ninesOf(percentileOf(nines)) - nines) < 1e-3);
      }),
    );
  });

  test('holds what no value is: nothing measured, nought, not a number', () => {
    for (const values of [[], [0], [Number.NaN, 0], [Number.POSITIVE_INFINITY]]) {
      assert.deepEqual(scaleOf(values, SPAN).ticks[0], 0);
    }
  });
});

test('numbers have three digits that count, and the unit that suits them', () => {
  assert.deepEqual([0, 0.1234, 1.234, 9.999, 12.34, 99.99, 1234.5].map(digits), [
    '0',
    '0.123',
    '1.23',
    '10.0',
    '12.3',
    '100',
    '1,235',
  ]);
  assert.deepEqual([1.8, 12_000].map(time), ['1.80 ms', '12.0 s']);
  assert.deepEqual([0, 0.0004, 0.012, 0.25, 1].map(percent), ['0%', '0.04%', '1.2%', '25%', '100%']);
  assert.deepEqual([0.5, 20, 1500, 2e6].map(tickText), ['0.5', '20', '1.5k', '2M']);
});

test('markup keeps every text as text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const inside = html`<i title="${text}">${[text]}</i>`.text.replace(/^<i title="|<\/i>$/g, '');
      assert.doesNotMatch(inside.replace('">', ''), /[<>"']/);
      const read = inside.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
      assert.equal(read, `${text}">${text}`);
    }),
  );
  assert.equal(html`a${undefined}b${html`<b>`}${1}`.text, 'ab<b>1');
});

describe('a course', () => {
  const course = (p99s: readonly number[]) => ({
    intervalMs: 100,
    intervals: p99s.map((p99Ms) => ({ answers: 9, errors: 0, p50Ms: 1, p99Ms, maxMs: p99Ms })),
  });
  test('has at most 120 intervals, which are short in a short measurement', () => {
    assert.deepEqual([400, 5000, 12_000, 60_000, 3_600_000].map(intervalOf), [100, 100, 100, 500, 30_000]);
    fc.assert(
      fc.property(fc.double({ min: 100, max: 1e9, noNaN: true }), (durationMs) => {
        assert.ok(Math.ceil(durationMs / intervalOf(durationMs)) <= 120);
      }),
    );
  });
  test('of two generators is that of both', () => {
    const [one, other, both] = [new Tally(100), new Tally(100), new Tally(100)];
    one.answered(50, 3, 3, 1);
    one.failed(250, 'reset');
    other.answered(60, 5, 5, 1);
    other.answered(310, 7, 7, 1);
    both.add(one.toSend());
    both.add(other.toSend());
    assert.deepEqual(
      both.intervals.map(({ answers, errors, latency }) => [answers, errors, latency.totalCount]),
      [
        [2, 0, 2],
        [0, 0, 0],
        [0, 1, 0],
        [1, 0, 1],
      ],
    );
  });
  test('is told as steady, as uneven, and with its peaks where they come at equal distances', () => {
    assert.match(courseText(course([5, 5, 6, 5])), /^Steady: .* usually 5\.00 ms and never above 6\.00 ms/);
    assert.match(courseText(course([5, 5, 12, 5])), /^Uneven/);
    const stalls = Array.from({ length: 50 }, (_, index) => (index % 10 < 2 ? 190 : 4));
    assert.match(courseText(course(stalls)), /^5 peaks, about every 1\.00 s, .* up to 190 ms, usually it is 4\.00 ms/);
    assert.match(courseText(course([4, 4, 90, 4, 4])), /^1 peak, 100 ms in all/);
  });
});

test('a percentile curve rises, and has the values of the histogram at the percentiles with names', () => {
  const latencies = fc.array(fc.integer({ min: 1, max: 1e7 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(latencies, (micros) => {
      const histogram = build({ bitBucketSize: 32, autoResize: true, numberOfSignificantValueDigits: 3 });
      for (const value of micros) histogram.recordValue(value);
      const points = curve(histogram);
      assert.ok(points.length >= 2 && points.length < 120);
      for (const [index, { x, y }] of points.entries()) {
        assert.equal(y, histogram.getValueAtPercentile(x) / 1000);
        if (index > 0) assert.ok(x > points[index - 1]!.x && y >= points[index - 1]!.y);
      }
      assert.equal(points.find(({ x }) => x === 50)!.label, `p50: ${time(histogram.getValueAtPercentile(50) / 1000)}`);
    }),
    { numRuns: 30 },
  );
});

describe('commands', () => {
  test('of figures measure one scenario as it was measured', () => {
    const args = ['--scenario=a,b', '--rates', '10%,90%', '--json', 'x.json', '--insecure', '--header', 'cookie:…'];
    const command = shownCommand('npm run bench --', args);
    assert.equal(
      repeatCommand({ command, args }, 'a'),
      "npm run bench -- --rates 10%,90% --insecure --header 'cookie:…' --scenario a --html report.html",
    );
    assert.equal(repeatCommand({ command: 'as it was' }, 'a'), 'as it was');
  });
  test('keep no secrets', () => {
    const args = [
      'bench',
      '--header',
      'authorization: Bearer s3cret',
      '--header=cookie:s3cret',
      '--fail-if',
      'p99>+5%',
    ];
    assert.deepEqual(shownArguments(args), [
      '--header',
      'authorization:…',
      '--header=cookie:…',
      '--fail-if',
      'p99>+5%',
    ]);
  });
  test('are read by a shell as what they were', async () => {
    const hard = ['p99>+10%', "it's", '$(false)', '', 'a b', '`x`', 'e\nf', '"'];
    const { stdout } = await say('/bin/sh', ['-c', shownCommand("printf '%s\\0'", hard)]);
    assert.deepEqual(stdout.toString().split('\0').slice(0, -1), hard);
  });
});

test('of several rates, the usual one is nearest to a quarter of the knee, and bounds compare the same share', () => {
  const result = (share: number | undefined, p99: number): Result =>
    ({
      scenario: 's',
      server: 'gatehouse',
      loop: share === undefined ? 'closed' : 'open',
      rate: share === undefined ? undefined : { from: share * 1000, to: share * 1000, share },
      rps: 1000,
      latencyMs: { p99 },
    }) as Result;
  const all = [undefined, 0.9, 0.2, 0.5].map((share) => result(share, 10));
  const findings = new ScenarioFindings(
    's',
    all.map((shown) => ({ ...shown, rate: shown.rate, rounds: [shown], shown })),
  );
  assert.equal(findings.usual!.rate!.share, 0.2);
  assert.equal(findings.knee!.shown, all[0]);
  const baseline = [result(0.5, 20), result(0.2, 5)];
  assert.deepEqual(exceeded(readThresholds('p99>+10%'), [result(0.2, 6), result(0.5, 20)], baseline), [
    's, open loop: p99 is 6.00, was 5.00 (+20.0%): p99>+10%',
  ]);
});

test('what makes numbers doubtful is told, the worst first, and nothing where all is well', () => {
  const well = {
    scenario: 's',
    server: 'gatehouse',
    loop: 'open',
    rate: { from: 500, to: 500 },
    answers: 5000,
    errors: 0,
    errorKinds: {},
    warmUpErrors: {},
    notCompared: [],
    latencyMs: { p99: 4 },
    generator: { busy: 0.2, lateP99Ms: 0.1 },
    course: { intervalMs: 100, intervals: Array.from({ length: 8 }, () => ({ answers: 9, p50Ms: 1 })) },
  } as unknown as Result;
  const growing = Array.from({ length: 8 }, (_, at) => ({ answers: 9, p50Ms: 1 + at * 50 })) as unknown as Interval[];
  const told = (more: Partial<Result>, file: Partial<ResultFile> = {}): string[] => {
    const machine = { cores: 8, revision: 'abc' } as Machine;
    const whole = { results: [{ ...well, ...more }], skipped: [], machine, pinned: true, target: 'stand-in', ...file };
    return warningsOf(whole as unknown as ResultFile).map(({ bad, text }) => `${bad ? 'bad' : 'note'}: ${text}`);
  };
  assert.deepEqual(told({}), []);
  const worst = told({
    answers: 300,
    errors: 100,
    errorKinds: { reset: 100 },
    generator: { ...well.generator, lateP99Ms: 9 },
  });
  assert.match(worst[0]!, /^bad: s, gatehouse, open loop: 100 answers wrong: reset \(all errors there: 25%\)$/);
  assert.match(worst[1]!, /^bad: The generator sent late, by up to 9\.00 ms \(p99\), in s:/);
  assert.match(worst[2]!, /^note: Fewer than 1,000 answers in s:/);
  assert.match(
    told({ course: { intervalMs: 100, intervals: growing } })[0]!,
    /^bad: Latency grew to the end in s: .* \(p50 went/,
  );
  assert.match(
    told({ loop: 'closed', generator: { ...well.generator, busy: 0.97 } })[0]!,
    /^bad: The generator was busy all/,
  );
  const cost = { cores: 0.2 } as ServerCost;
  assert.match(
    told({ loop: 'closed', serverCost: cost })[0]!,
    /^note: In the closed loop the server used less than half a core in s:/,
  );
  assert.deepEqual(told({}, { pinned: false, skipped: [{ scenario: 'all', server: 'nginx', why: 'not on PATH' }] }), [
    'note: all, nginx: left out: not on PATH',
    'note: Nothing had a core of its own: gateway, upstream and load took turns.',
  ]);
});

test('a file that is none is refused with the place that is wrong', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-report-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const refused = (content: string): string => {
    const path = join(folder, 'results.json');
    writeFileSync(path, content);
    try {
      readStoredResults(path);
    } catch (error) {
      return (error as Error).message.slice(path.length + 2);
    }
    return 'taken';
  };
  assert.match(refused('{'), /JSON/);
  assert.match(refused('{"format":"other/1"}'), /^no results of this bench: format: /);
  const empty: Partial<ResultFile> = {
    format: 'gatehouse-bench/1',
    startedAt: '',
    command: '',
    target: '',
    pinned: true,
  };
  const machine = { cpu: '', cores: 1, memoryBytes: 1, system: '', node: '', openssl: '', gatehouse: '' };
  assert.match(
    refused(JSON.stringify({ ...empty, machine, results: [], skipped: [] })),
    /results: expected at least one/,
  );
  assert.match(
    refused(JSON.stringify({ ...empty, machine, results: [{ scenario: 's', server: 7 }], skipped: [] })),
    /results\[0\]\.server: .*expected string/,
  );
  assert.match(refused(JSON.stringify(null)), /expected object/);
});
