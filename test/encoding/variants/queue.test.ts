import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VariantQueue } from '../../../src/encoding/variants/queue.ts';
import { HandClock } from '../../support/hand-clock.ts';

const KIB = 1024;
const body = (digest: string, bytes: number) => ({ digest, body: new Uint8Array(bytes) });
const done = () => {};

function queue({ maxBytes = 1_000_000, maxJobs = 100 } = {}) {
  const clock = new HandClock();
  return { clock, queue: new VariantQueue(clock, { maxBytes, maxJobs }) };
}

function drain(from: VariantQueue): string[] {
  const order: string[] = [];
  for (let job = from.take(); job !== undefined; job = from.take()) {
    order.push(`${job.source.digest} ${job.coding}`);
    from.finished(job);
  }
  return order;
}

describe('variant queue', () => {
  it('gives brotli of small bodies first, and large bodies last', () => {
    const { queue: q } = queue();
    q.add(body('large', 400 * KIB), ['gzip', 'zstd', 'br'], done);
    q.add(body('small', 10 * KIB), ['gzip', 'zstd', 'br'], done);
    q.add(body('middle', 12 * KIB), ['br'], done);
    assert.deepEqual(drain(q), [
      'small br',
      'middle br',
      'small zstd',
      'small gzip',
      'large br',
      'large zstd',
      'large gzip',
    ]);
  });

  it('lets a large body be overtaken for its allowance of time only, however many small ones come', () => {
    const { queue: q, clock } = queue();
    q.add(body('large', 400 * KIB), ['gzip'], done);
    let turns = 0;
    for (; ; turns += 1) {
      q.add(body(`small ${turns}`, KIB), ['br'], done);
      const job = q.take()!;
      q.finished(job);
      if (job.source.digest === 'large') break;
      clock.pass(100);
      assert.ok(turns < 1000, 'starved');
    }
    assert.ok(turns > 300 && turns < 330, `overtaken ${turns} times in ${turns / 10} s`);
  });

  it('takes one job at a time', () => {
    const { queue: q } = queue();
    q.add(body('a', 10), ['br', 'gzip'], done);
    const first = q.take()!;
    assert.equal(q.take(), undefined);
    q.finished(first);
    assert.equal(q.take()?.coding, 'gzip');
  });

  it('counts a body once for all its codings, and not at all when they are done', () => {
    const { queue: q } = queue();
    q.add(body('a', 500), ['br', 'zstd', 'gzip'], done);
    q.add(body('a', 500), ['br', 'gzip'], done);
    assert.deepEqual([q.jobs, q.bytes], [3, 500]);
    drain(q);
    assert.deepEqual([q.jobs, q.bytes], [0, 0]);
  });

  it('refuses what does not fit, as a whole, and still takes what is there already', () => {
    const { queue: q } = queue({ maxBytes: 1000, maxJobs: 3 });
    assert.equal(q.add(body('a', 600), ['br', 'zstd'], done), true);
    assert.equal(q.add(body('b', 401), ['br'], done), false);
    assert.equal(q.add(body('b', 400), ['br', 'zstd'], done), false);
    assert.deepEqual([q.jobs, q.bytes], [2, 600]);
    assert.equal(q.add(body('b', 400), ['br'], done), true);
    assert.equal(q.add(body('a', 600), ['br', 'zstd'], done), true);
    assert.deepEqual([q.jobs, q.bytes], [3, 1000]);
  });

  it('drops what is called off by all its callers, and keeps what one of them still wants', () => {
    const { queue: q } = queue();
    const other = () => {};
    q.add(body('a', 500), ['br', 'gzip'], done);
    q.add(body('a', 500), ['br'], other);
    q.callOff(body('a', 500), ['br', 'gzip'], done);
    assert.deepEqual([q.jobs, q.bytes], [1, 500]);
    q.callOff(body('a', 500), ['br'], other);
    assert.deepEqual([q.jobs, q.bytes], [0, 0]);
  });

  it('brings what is at hand to its end when it is called off, and counts it until then', () => {
    const { queue: q } = queue();
    q.add(body('a', 500), ['br'], done);
    const job = q.take()!;
    q.callOff(body('a', 500), ['br'], done);
    assert.deepEqual([q.jobs, q.bytes, job.callers.size], [1, 500, 0]);
    q.finished(job);
    assert.deepEqual([q.jobs, q.bytes], [0, 0]);
  });
});
