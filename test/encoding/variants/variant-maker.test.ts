import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { CODING_NAMES, type CodingName } from '../../../src/encoding/coding.ts';
import { codingOf } from '../../../src/encoding/index.ts';
import { VariantMaker, type VariantMakerOptions } from '../../../src/encoding/variants/variant-maker.ts';
import { HandClock } from '../../support/hand-clock.ts';

const BROKEN = new URL('./broken-worker.ts', import.meta.url);

function source(body: Uint8Array | string) {
  const bytes = Buffer.from(body);
  return { body: bytes, digest: createHash('sha256').update(bytes).digest('base64url') };
}

/** Text that is never twice the same, in bytes. */
function script(bytes: number, seed = 1): string {
  let text = '';
  for (let n = seed; text.length < bytes; n += 1) text += `export const value${n * 7919} = ${(n * 104729) % 9973};\n`;
  return text.slice(0, bytes);
}

function maker(t: TestContext, options: Partial<VariantMakerOptions> = {}) {
  const clock = new HandClock();
  const failures: string[] = [];
  const made = new VariantMaker({
    clock,
    maxQueuedBytes: 16_000_000,
    maxJobs: 100,
    onFailure: ({ coding, reason }) => failures.push(`${coding}: ${reason}`),
    ...options,
  });
  t.after(() => made[Symbol.dispose]());
  const got: { coding: CodingName; coded: Uint8Array | undefined }[] = [];
  const done = (coding: CodingName, coded: Uint8Array | undefined) => void got.push({ coding, coded });
  return { clock, failures, maker: made, got, done };
}

describe('variant maker', () => {
  it('makes all codings of a body, each of which is smaller and decodes to it', async (t) => {
    const { maker: it, got, done } = maker(t);
    const wanted = source(script(20_000));
    it.make(wanted, CODING_NAMES, done);
    await it.idle();
    assert.deepEqual(
      got.map(({ coding }) => coding),
      ['br', 'zstd', 'gzip'],
    );
    for (const { coding, coded } of got) {
      assert.ok(coded!.byteLength < wanted.body.byteLength / 2);
      assert.deepEqual(Buffer.from(codingOf(coding).decode(coded!, 1e6)), wanted.body);
    }
    assert.equal(it.stats.made, 3);
  });

  it('codes a large body in pieces, and each coding decodes to it', async (t) => {
    const { maker: it, got, done } = maker(t);
    const wanted = source(script(300_001));
    it.make(wanted, CODING_NAMES, done);
    await it.idle();
    assert.equal(got.length, 3);
    for (const { coding, coded } of got) {
      assert.deepEqual(Buffer.from(codingOf(coding).decode(coded!, 1e6)), wanted.body);
      assert.ok(coded!.byteLength <= codingOf(coding).best(wanted.body).byteLength * 1.02, coding);
    }
  });

  it('takes a body in shared memory as it is, and leaves any body as it was', async (t) => {
    const { maker: it, got, done } = maker(t);
    const plain = source(script(5000));
    const shared = new Uint8Array(new SharedArrayBuffer(5000));
    shared.set(Buffer.from(script(5000, 2)));
    it.make(plain, ['gzip'], done);
    it.make({ body: shared, digest: 'shared' }, ['gzip'], done);
    await it.idle();
    assert.deepEqual(
      got.map(({ coded }) => Buffer.from(codingOf('gzip').decode(coded!, 5000)).toString()),
      [script(5000), script(5000, 2)],
    );
    assert.equal(plain.body.toString(), script(5000));
  });

  it('gives bytes that keep no larger buffer alive', async (t) => {
    const { maker: it, got, done } = maker(t);
    it.make(source(script(3000)), CODING_NAMES, done);
    await it.idle();
    for (const { coded } of got) assert.equal(coded!.buffer.byteLength, coded!.byteLength);
  });

  it('tells that a coding is not worth it where it saves less than two parts of a hundred', async (t) => {
    const { maker: it, got, done, failures } = maker(t);
    it.make(source(crypto.getRandomValues(new Uint8Array(4000))), CODING_NAMES, done);
    it.make(source(''), ['br'], done);
    await it.idle();
    assert.equal(got.length, 4);
    assert.ok(got.every(({ coded }) => coded === undefined));
    assert.deepEqual([it.stats.notWorth, it.stats.failed, failures.length], [4, 0, 0]);
  });

  it('codes equal bodies of two hosts once, and tells both', async (t) => {
    const { maker: it, got, done } = maker(t);
    it.make(source(script(5000)), ['br'], done);
    it.make(source(script(5000)), ['br'], done);
    await it.idle();
    assert.equal(got.length, 2);
    assert.equal(got[0]!.coded, got[1]!.coded);
    assert.equal(it.stats.made, 1);
  });

  it('refuses what is more than the queue holds, counts it, and takes more when there is room', async (t) => {
    const { maker: it, got, done } = maker(t, { maxQueuedBytes: 10_000 });
    assert.notEqual(it.make(source(script(6000, 1)), ['br'], done), undefined);
    assert.equal(it.make(source(script(6000, 2)), ['br'], done), undefined);
    assert.equal(it.make(source(script(10_001)), ['br'], done), undefined);
    assert.equal(it.stats.refused, 2);
    assert.equal(it.stats.queuedBytes, 6000);
    await it.idle();
    assert.notEqual(it.make(source(script(6000, 2)), ['br'], done), undefined);
    await it.idle();
    assert.equal(got.length, 2);
  });

  it('tells nothing to a caller who called off', async (t) => {
    const { maker: it, got, done } = maker(t);
    const wanted = source(script(5000));
    it.make(wanted, CODING_NAMES, done)!.cancel();
    assert.equal(it.stats.queuedJobs, 1, 'the job at hand');
    it.make(wanted, ['gzip'], done);
    await it.idle();
    assert.deepEqual(
      got.map(({ coding }) => coding),
      ['gzip'],
    );
  });

  it('starts no thread before the first job, ends it when idle for long, and starts another for the next job', async (t) => {
    const { maker: it, got, done, clock } = maker(t, { idleMs: 30_000 });
    assert.equal(it.stats.starts, 0);
    it.make(source(script(2000, 1)), ['gzip'], done);
    await it.idle();
    clock.pass(29_999);
    it.make(source(script(2000, 2)), ['gzip'], done);
    await it.idle();
    assert.equal(it.stats.starts, 1);
    clock.pass(29_999);
    it.make(source(script(2000, 3)), ['gzip'], done);
    await it.idle();
    assert.equal(it.stats.starts, 1, 'each job begins the time again');
    clock.pass(30_000);
    it.make(source(script(2000, 4)), ['gzip'], done);
    await it.idle();
    assert.equal(it.stats.starts, 2);
    assert.equal(got.filter(({ coded }) => coded !== undefined).length, 4);
  });

  it('goes on in the same thread after a job that cannot be coded', async (t) => {
    const { maker: it, got, done, failures } = maker(t, { script: BROKEN });
    it.make(source('f'), ['gzip'], done);
    it.make(source('well'), ['gzip'], done);
    await it.idle();
    assert.deepEqual(
      got.map(({ coded }) => coded?.length),
      [undefined, 3],
    );
    assert.deepEqual(failures, ['gzip: cannot code this']);
    assert.deepEqual([it.stats.failed, it.stats.starts], [1, 1]);
  });

  for (const [letter, what, reason] of [
    ['t', 'throws', /thrown/],
    ['x', 'exits', /code 3/],
    ['m', 'runs out of memory', /memory/],
  ] as const)
    it(`loses only the job at hand when the thread ${what}`, async (t) => {
      const { maker: it, got, done, failures } = maker(t, { script: BROKEN });
      it.make(source(letter), ['gzip'], done);
      it.make(source('well'), ['gzip'], done);
      it.make(source('well too'), ['br'], done);
      await it.idle();
      assert.deepEqual(
        got.map(({ coded }) => coded?.length),
        [undefined, 3, 3],
      );
      assert.equal(failures.length, 1);
      assert.match(failures[0]!, reason);
      assert.deepEqual([it.stats.failed, it.stats.starts], [1, 2]);
    });

  it('attack, bodies that kill the thread one after the other: threads are started so often in a minute and no more', async (t) => {
    const { maker: it, got, clock } = maker(t, { script: BROKEN, restartsPerMinute: 2 });
    const three = Promise.withResolvers<void>();
    const done = (coding: CodingName, coded: Uint8Array | undefined) => {
      got.push({ coding, coded });
      if (got.length === 3) three.resolve();
    };
    for (let n = 0; n < 5; n += 1) it.make(source(`x${n}`), ['br'], done);
    const idle = it.idle();
    await three.promise;
    assert.deepEqual([it.stats.starts, it.stats.queuedJobs], [3, 2]);
    it.make(source('well'), ['br'], done);
    assert.equal(it.stats.starts, 3, 'a job that comes meanwhile waits too');
    clock.pass(59_999);
    assert.equal(it.stats.starts, 3);
    clock.pass(1);
    assert.equal(it.stats.starts, 4);
    it[Symbol.dispose]();
    await idle;
  });

  it('tells nothing after it was disposed, takes nothing more, and lets those go who wait for it', async (t) => {
    const { maker: it, got, done } = maker(t, { script: BROKEN });
    it.make(source('h'), ['gzip'], done);
    it.make(source('well'), ['gzip'], done);
    const idle = it.idle();
    it[Symbol.dispose]();
    await idle;
    assert.equal(it.make(source('more'), ['gzip'], done), undefined);
    assert.deepEqual([got.length, it.stats.queuedJobs, it.stats.queuedBytes], [0, 0, 0]);
  });
});
