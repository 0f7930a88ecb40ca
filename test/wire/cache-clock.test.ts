// A wall clock that jumps: nothing gets younger by it, and nothing is served longer than it would have been.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCached } from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';

/** A clock whose wall jumps, while the time that passes does not. */
class JumpingClock extends HandClock {
  #offset = 0;

  override wall(): number {
    return super.wall() + this.#offset;
  }

  jump(ms: number): void {
    this.#offset += ms;
  }
}

const HOUR_MS = 3_600_000;

for (const [title, ms] of [
  ['an hour forward', HOUR_MS],
  ['an hour back', -HOUR_MS],
  ['fifty years back', -50 * 365 * 24 * HOUR_MS],
] as const) {
  test(`a clock that is set ${title}: what was fresh for a minute is asked for again, and then fresh for a minute`, async () => {
    const clock = new JumpingClock();
    await using stage = await startCached({ clock });
    let count = 0;
    stage.origin.play = (one) => {
      count += 1;
      one.answer(200, { 'cache-control': 'max-age=60', date: new Date(clock.wall()).toUTCString() }, `${count}`);
    };
    assert.equal((await stage.get('/c/1')).text, '1');
    clock.jump(ms);
    assert.equal((await stage.get('/c/1')).text, '2');
    const third = await stage.get('/c/1');
    assert.deepEqual([third.text, third.cache, third.of('age')], ['2', 'gatehouse; hit; ttl=60', '0']);
    clock.pass(61_000);
    assert.equal((await stage.get('/c/1')).text, '3');
  });
}

test('a clock that is set a little back makes no negative Age, and no longer lifetime', async () => {
  const clock = new JumpingClock();
  await using stage = await startCached({ clock });
  stage.origin.play = (one) => one.answer(200, { 'cache-control': 'max-age=60' }, 'body');
  await stage.get('/c/1');
  clock.jump(-30_000);
  const got = await stage.get('/c/1');
  assert.ok(Number(got.of('age')) >= 0);
  assert.ok(Number(/ttl=(-?\d+)/.exec(got.cache!)![1]) <= 60);
});

test('an origin whose clock is wrong: a Date of tomorrow makes nothing younger, one of yesterday makes it old', async () => {
  const clock = new JumpingClock();
  await using stage = await startCached({ clock });
  for (const [path, ms, hit] of [
    ['/c/tomorrow', 24 * HOUR_MS, true],
    ['/c/yesterday', -24 * HOUR_MS, false],
  ] as const) {
    const date = new Date(clock.wall() + ms).toUTCString();
    stage.origin.play = (one) => one.answer(200, { 'cache-control': 'max-age=60', date }, 'body');
    await stage.get(path);
    const { cache } = await stage.get(path);
    assert.equal(cache, hit ? 'gatehouse; hit; ttl=60' : 'gatehouse; fwd=uri-miss', path);
  }
});
