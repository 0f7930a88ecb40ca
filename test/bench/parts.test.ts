// The parts of the bench that know no network: schedules, bounds, scenarios, messages.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { BENCH_OPTIONS, readOptions } from '../../bench/load/options.ts';
import { Pace } from '../../bench/load/pace.ts';
import { Picker } from '../../bench/load/picker.ts';
import { protoMessage } from '../../bench/load/proto-message.ts';
import type { Result } from '../../bench/load/result.ts';
import { readScenarios, scenarioNames } from '../../bench/load/scenario.ts';
import { targetOf } from '../../bench/load/target.ts';
import { exceeded, readThresholds } from '../../bench/load/threshold.ts';
import { StreamRequestSchema } from '../../src/demo/rpc/stream-service.ts';
import { asking } from './plans.ts';

describe('a schedule', () => {
  test('has as many calls as its rate says, and never goes back', () => {
    const rate = fc.double({ min: 1, max: 5000, noNaN: true });
    fc.assert(
      fc.property(rate, rate, fc.integer({ min: 0, max: 5000 }), (from, to, warmUpMs) => {
        const pace = new Pace({ from, to }, warmUpMs, 4000);
        const warm = (from * warmUpMs) / 1000;
        const all = warm + ((from + to) / 2) * 4;
        // The last call of warm-up is due at its end, the last of all at the end of all.
        assert.ok(Math.abs(pace.due(warm) - warmUpMs) < 1e-6);
        assert.ok(Math.abs(pace.due(all) - (warmUpMs + 4000)) < 0.5);
        let before = -1;
        for (let number = 0; number < all; number += Math.max(1, all / 100)) {
          assert.ok(pace.due(number) >= before);
          before = pace.due(number);
        }
      }),
    );
  });
});

test('requests are picked by their weights, and the same ones for the same seed', () => {
  const requests = [
    { ...asking('/a'), weight: 1 },
    { ...asking('/b'), weight: 3 },
  ];
  const picks = (seed: number): string => {
    const picker = new Picker(requests, seed);
    return Array.from({ length: 4000 }, () => picker.next(0).path).join();
  };
  assert.equal(picks(1), picks(1));
  assert.notEqual(picks(1), picks(2));
  const share = picks(3).split('/b').length / 4000;
  assert.ok(share > 0.7 && share < 0.8, `${share}`);
});

describe('bounds', () => {
  const result = (p99: number, rps: number): Result =>
    ({ scenario: 's', server: 'gatehouse', loop: 'open', errors: 2, rps, latencyMs: { p99 } }) as Result;
  test('against a baseline', () => {
    const bounds = readThresholds('p99>+10%, rps<-5%');
    assert.deepEqual(exceeded(bounds, [result(10.9, 96)], [result(10, 100)]), []);
    assert.deepEqual(exceeded(bounds, [result(11.2, 94)], [result(10, 100)]), [
      's, open loop: p99 is 11.2, was 10.0 (+12.0%): p99>+10%',
      's, open loop: rps is 94.0, was 100 (-6.0%): rps<-5%',
    ]);
    assert.deepEqual(exceeded(bounds.slice(0, 1), [result(1, 1)], []), [
      's, open loop: the baseline has no p99 (p99>+10%)',
    ]);
  });
  test('by themselves; what was not measured is not kept', () => {
    assert.equal(exceeded(readThresholds('errors>1,p99>5ms'), [result(4, 1)], undefined).length, 1);
    assert.deepEqual(exceeded(readThresholds('cpu>1'), [result(4, 1)], undefined), [
      's, open loop: cpu was not measured (cpu>1)',
    ]);
  });
  test('that cannot be read are refused', () => {
    for (const text of ['', 'p99', 'p98>1', 'p99>', 'p99=3', 'p99>1,']) {
      assert.throws(() => readThresholds(text), /--fail-if: cannot read/, text);
    }
  });
});

describe('options', () => {
  const values = (given: Record<string, unknown>) =>
    readOptions({
      ...Object.fromEntries(Object.entries(BENCH_OPTIONS).map(([name, option]) => [name, option.default])),
      ...given,
    } as never);
  test('of a rate: constant, ramp, share', () => {
    assert.deepEqual(values({ rate: '500' }).rates, [{ from: 500, to: 500 }]);
    assert.deepEqual(values({ rate: '100..2000' }).rates, [{ from: 100, to: 2000 }]);
    assert.deepEqual(values({ rate: '25%' }).rates, [{ share: 0.25 }]);
    assert.deepEqual(values({ rates: '10%,90%' }).rates, [{ share: 0.1 }, { share: 0.9 }]);
    assert.throws(() => values({ rate: '5', rates: '5' }), /--rates: not together/);
    for (const rate of ['0', 'x', '1..', '-3', '5%..6%']) assert.throws(() => values({ rate }), /--rate/, rate);
  });
  test('that make no sense are named', () => {
    assert.throws(() => values({ duration: '0' }), /--duration/);
    assert.throws(() => values({ connections: '1.5' }), /--connections/);
    assert.throws(() => values({ header: ['nothing'] }), /--header/);
    assert.throws(() => values({ 'fail-if': 'p99>+10%' }), /--baseline/);
  });
  test('of a target', () => {
    const given = { protocol: 'h2', authority: undefined, verify: true } as const;
    const { host, port, tls, authority } = targetOf('https://id.example.com', given);
    assert.deepEqual([host, port, tls, authority], ['id.example.com', 443, true, 'id.example.com']);
    assert.equal(targetOf('http://[::1]:8080', given).host, '::1');
    for (const url of ['id.example.com', 'ftp://a', 'https://a/path']) assert.throws(() => targetOf(url, given), url);
  });
});

test('every scenario that comes along can be read, and those that are promised are there', () => {
  const promised = 'console-cold console-warm console-revalidate token discovery rest-json grpc-unary grpc-stream';
  const more = 'grpc-web-unary grpc-web-text connect-unary login-page limiter-deny handshake-full handshake-resumed';
  const names = scenarioNames();
  for (const name of `${promised} ${more} mixed idle-connections`.split(' ')) assert.ok(names.includes(name), name);
  for (const { name, about } of readScenarios(names)) assert.ok(about.endsWith('.'), name);
  assert.throws(() => readScenarios(['nothing']), /no scenario 'nothing'; there are /);
});

test('messages written by field numbers are those of protobuf', () => {
  const message = create(StreamRequestSchema, { count: 300, bytes: 7, statusMessage: 'ü' } as never);
  assert.deepEqual(protoMessage({ 1: 300, 2: 7, 4: 'ü' }), Buffer.from(toBinary(StreamRequestSchema, message)));
  assert.equal(protoMessage({ 1: -1 }).toString('hex'), '08ffffffffffffffffff01');
});
