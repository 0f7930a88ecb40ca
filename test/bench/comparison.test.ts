// What the bench says of the gateway and its peers: who takes which turn, medians, ratios, and what is noise.
// Harm: a difference that the next run would turn around, told as a fact.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { commonKnee, comparisons, middle, middles, turns } from '../../bench/load/comparison.ts';
import { comparisonTable } from '../../bench/load/comparison-table.ts';
import { differing } from '../../bench/load/entrant.ts';
import { BENCH_OPTIONS, readOptions } from '../../bench/load/options.ts';
import type { Result } from '../../bench/load/result.ts';
import { exceeded, readThresholds } from '../../bench/load/threshold.ts';
import { peersOf } from '../../bench/peers/index.ts';
import { asking, expecting } from './plans.ts';

interface Measured {
  readonly rps: number;
  readonly p99?: number;
  readonly cpu?: number;
  readonly errors?: number;
}

function result(server: string, round: number, { rps, p99 = 5, cpu, errors = 0 }: Measured): Result {
  const ms = { min: 1, mean: 2, p50: 2, p75: 3, p90: 4, p99, p999: p99, max: p99 };
  return {
    scenario: 's',
    server,
    round,
    loop: 'closed',
    rate: undefined,
    answers: rps,
    rps,
    bytesPerS: 1,
    errors,
    errorKinds: errors > 0 ? { timeout: errors } : {},
    latencyMs: ms,
    serviceMs: ms,
    serverCost: cpu === undefined ? undefined : { cpuSPer1000: cpu, cores: 1, rssBytes: 1024 * 1024 },
    generator: { threads: 1, cpuMicrosPerRequest: 1, busy: round / 10, lateP99Ms: 0 },
    notCompared: [],
  } as unknown as Result;
}

const rounds = (server: string, all: readonly Measured[]): Result[] =>
  all.map((one, index) => result(server, index + 1, one));
const ratioOf = (results: readonly Result[], measure: string) =>
  comparisons(results).find((one) => one.measure === measure);

describe('turns', () => {
  test('go round: everyone once, then everyone again', () => {
    const order = turns(['a', 'b', 'c'], 2).map(({ entrant, round }) => `${entrant}${round}`);
    assert.deepEqual(order, ['a1', 'b1', 'c1', 'a2', 'b2', 'c2']);
  });
  test('have no number where there is one', () => {
    assert.deepEqual(turns(['a'], 1), [{ entrant: 'a', round: 0 }]);
  });
  test('never give anybody more than one turn ahead of another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9 }), (count, times) => {
        const had = Array.from({ length: count }, () => 0);
        for (const { entrant } of turns([...had.keys()], times)) {
          had[entrant]! += 1;
          assert.ok(Math.max(...had) - Math.min(...had) <= 1);
        }
        assert.ok(had.every((one) => one === times));
      }),
    );
  });
});

describe('a median', () => {
  test('is in the middle, whatever the order', () => {
    assert.equal(middle([30, 10, 20]), 20);
    assert.equal(middle([40, 10, 20, 30]), 25);
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, (all) => {
        const found = middle(all);
        assert.ok(all.filter((one) => one < found).length <= all.length / 2);
        assert.ok(all.filter((one) => one > found).length <= all.length / 2);
      }),
    );
  });
  test('stands for all rounds of a server, with the sum of their errors', () => {
    const all = rounds('gatehouse', [
      { rps: 10, p99: 9, errors: 2 },
      { rps: 30, p99: 7 },
      { rps: 20, p99: 8, errors: 1 },
    ]);
    const [one, ...others] = middles([...all, ...rounds('nginx', [{ rps: 1 }])]);
    assert.deepEqual(
      [one!.rps, one!.latencyMs.p99, one!.errors, one!.errorKinds, one!.round],
      [20, 8, 3, { timeout: 3 }, 0],
    );
    assert.equal(one!.generator.busy, 0.3, 'the worst of the rounds');
    assert.equal(others.length, 1);
    assert.equal(exceeded(readThresholds('rps<15,errors>2'), [one!], undefined).length, 1);
  });
  test('leaves a single result as it is', () => {
    const one = result('gatehouse', 0, { rps: 7 });
    assert.equal(middles([one])[0], one);
  });
});

describe('a comparison', () => {
  test('is the ratio of medians, with those of the rounds as its spread', () => {
    const ours = rounds('gatehouse', [{ rps: 200 }, { rps: 240 }, { rps: 220 }]);
    const theirs = rounds('nginx', [{ rps: 100 }, { rps: 110 }, { rps: 120 }]);
    const found = ratioOf([...ours, ...theirs], 'rps')!;
    assert.equal(found.ratio, 2);
    assert.deepEqual(found.spread, [220 / 120, 240 / 110]);
    assert.deepEqual([found.server, found.against, found.rounds, found.withinNoise], ['nginx', 'gatehouse', 3, false]);
  });
  test('is noise where the spreads meet, and of one round', () => {
    const noise = (ours: readonly number[], theirs: readonly number[]) => {
      const [a, b] = [ours, theirs].map((all) => all.map((rps) => ({ rps })));
      return ratioOf([...rounds('gatehouse', a!), ...rounds('nginx', b!)], 'rps')!.withinNoise;
    };
    assert.equal(noise([10, 20], [21, 30]), false);
    assert.equal(noise([21, 30], [10, 20]), false);
    assert.equal(noise([10, 22], [21, 30]), true);
    assert.equal(noise([10, 20], [20, 30]), true);
    assert.equal(noise([10, 40], [20, 30]), true);
    assert.equal(noise([10], [100]), true);
  });
  test('leaves out what one of the two did not tell, and never divides by nothing', () => {
    const all = [
      ...rounds('gatehouse', [
        { rps: 10, cpu: 1 },
        { rps: 10, cpu: 1 },
      ]),
      ...rounds('nginx', [{ rps: 10 }, { rps: 10 }]),
      ...rounds('caddy', [
        { rps: 0, cpu: 0 },
        { rps: 5, cpu: 2 },
      ]),
    ];
    const of = (server: string) => comparisons(all).filter((one) => one.server === server);
    assert.deepEqual(
      of('nginx').map(({ measure }) => measure),
      ['rps', 'p50', 'p90', 'p99'],
    );
    assert.ok(of('caddy').every(({ ratio, spread }) => [ratio, ...spread].every(Number.isFinite)));
    assert.equal(of('caddy').find(({ measure }) => measure === 'rps')!.rounds, 1);
  });
  test('is not made with the upstream itself', () => {
    assert.deepEqual(comparisons([...rounds('gatehouse', [{ rps: 1 }]), ...rounds('direct', [{ rps: 1 }])]), []);
  });
  test('is told with medians, spreads, ratios and noise', () => {
    const table = comparisonTable([
      ...rounds('gatehouse', [
        { rps: 200, cpu: 0.1 },
        { rps: 220, cpu: 0.1 },
      ]),
      ...rounds('nginx', [
        { rps: 100, cpu: 0.05 },
        { rps: 110, cpu: 0.3, errors: 2 },
      ]),
    ]);
    assert.match(table, /^s, closed loop +req\/s +p50 ms +p99 ms +CPU s\/1k +RSS MiB +errors$/m);
    assert.match(table, /^gatehouse +210 \(200\.\.220\) /m);
    assert.match(table, /^nginx +105 \(100\.\.110\) 2\.00× .* 0\.175 \(0\.050\.\.0\.300\) 0\.57×~ .* 2$/m);
  });
});

describe('a common load', () => {
  test('is one that the slowest bears, of those who answered at all', () => {
    const all = [
      ...rounds('gatehouse', [{ rps: 300 }, { rps: 500 }, { rps: 400 }]),
      ...rounds('nginx', [{ rps: 900 }, { rps: 100 }, { rps: 800 }]),
      ...rounds('caddy', [{ rps: 0 }]),
    ];
    assert.equal(commonKnee(all), 400);
    assert.equal(commonKnee(rounds('caddy', [{ rps: 0 }])), undefined);
  });
});

test('a peer whose body is another one than the gateway has is found', () => {
  const asked = (...digests: (string | undefined)[]) => ({
    requests: digests.map((digest, index) => asking(`/${index}`, expecting('http', { digest }))),
    varying: [],
  });
  assert.equal(differing(asked('a', 'b'), asked('a', 'b')), undefined);
  assert.equal(differing(asked('a', 'b'), asked('a', 'c')), '/1');
  assert.equal(differing(asked('a', undefined), asked('a', 'c')), undefined);
});

test('options of peers that make no sense are named', () => {
  const read = (given: Record<string, unknown>) =>
    readOptions({
      ...Object.fromEntries(Object.entries(BENCH_OPTIONS).map(([name, option]) => [name, option.default])),
      ...given,
    } as never);
  const { vs, rounds, accessLog } = read({ vs: ['nginx,caddy', 'envoy'] });
  assert.deepEqual([vs, rounds, accessLog], [['nginx', 'caddy', 'envoy'], 3, undefined]);
  assert.equal(read({}).rounds, 1);
  assert.throws(() => read({ rounds: '2' }), /--rounds: goes with --vs/);
  assert.throws(() => read({ 'node-flags': '--a', target: 'https://a' }), /--node-flags: .* without --target only/);
  assert.throws(() => read({ vs: ['nginx'], rounds: '0' }), /--rounds: expected/);
  assert.throws(() => read({ vs: ['nginx'], target: 'https://id.example.com' }), /--vs: .* not together with --target/);
});

test('peers are asked for by name, and a name that nobody has is told', () => {
  assert.deepEqual(
    peersOf(['caddy', 'nginx']).map(({ name }) => name),
    ['nginx', 'caddy'],
  );
  assert.equal(peersOf(['all']).length, 7);
  assert.deepEqual(peersOf([]), []);
  assert.throws(
    () => peersOf(['apache']),
    /--vs: no peer 'apache'; there are all, nginx, haproxy, caddy, envoy, traefik, gatehouse-frames, bare-node/,
  );
});
