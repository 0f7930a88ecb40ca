import assert from 'node:assert/strict';
import test from 'node:test';
import { CODING_NAMES, type CodingName } from '../../src/encoding/coding.ts';
import { codingOf } from '../../src/encoding/index.ts';
import { QuickCodings } from '../../src/encoding/quick-codings.ts';
import { until } from '../support/until.ts';

const body = (what: string): Buffer => Buffer.from(`${what}. `.repeat(5000));

async function made(quick: QuickCodings, digest: string, of: Buffer, coding: CodingName): Promise<Uint8Array> {
  await until(() => quick.use(digest, of, coding) !== undefined);
  return quick.use(digest, of, coding)!;
}

for (const coding of CODING_NAMES) {
  test(`${coding}: the first who asks gets none, later ones the whole body, always the same bytes`, async () => {
    using quick = new QuickCodings(1e6);
    const one = body('one');
    assert.equal(quick.use('1', one, coding), undefined);
    const coded = await made(quick, '1', one, coding);
    assert.deepEqual(Buffer.from(codingOf(coding).decode(coded, 1e6)), one);
    assert.equal(quick.use('1', one, coding), coded);
    assert.equal(coded.buffer.byteLength, coded.byteLength, 'it holds no more memory than it counts');
  });
}

test('codings of a body, and bodies in a coding, are kept apart', async () => {
  using quick = new QuickCodings(1e6);
  for (const [digest, of] of [
    ['1', body('one')],
    ['2', body('two')],
  ] as const)
    for (const coding of CODING_NAMES)
      assert.deepEqual(Buffer.from(codingOf(coding).decode(await made(quick, digest, of, coding), 1e6)), of);
});

test('a coding that is dropped is made anew for who asks again', async () => {
  using quick = new QuickCodings(1e6);
  const one = body('one');
  await made(quick, '1', one, 'br');
  quick.drop('1', 'gzip');
  assert.notEqual(quick.use('1', one, 'br'), undefined);
  quick.drop('1', 'br');
  assert.deepEqual([quick.bytes, quick.use('1', one, 'br'), quick.atWork], [0, undefined, 1]);
});

test('four are made at once, and no coding twice at once', async () => {
  using quick = new QuickCodings(1e6);
  const one = body('one');
  for (let i = 0; i < 10; i += 1) for (let twice = 0; twice < 2; twice += 1) quick.use(String(i), one, 'gzip');
  assert.equal(quick.atWork, 4);
  await until(() => quick.atWork === 0);
  assert.deepEqual(
    [...'0123456789'].filter((digest) => quick.use(digest, one, 'gzip') !== undefined),
    [...'0123'],
  );
});

test('all together never take more than they may; what was used longest ago goes first', async () => {
  using quick = new QuickCodings(3000);
  // Random bytes do not shrink: a kilobyte each.
  const bodies = Array.from({ length: 5 }, (_, i) => Buffer.from(crypto.getRandomValues(new Uint8Array(1000 + i))));
  for (const [i, of] of bodies.entries()) {
    await made(quick, String(i), of, 'gzip');
    assert.ok(quick.bytes <= 3000, `${quick.bytes} bytes`);
  }
  assert.notEqual(quick.use('4', bodies[4]!, 'gzip'), undefined);
  assert.equal(quick.use('0', bodies[0]!, 'gzip'), undefined);
});

test('one that does not fit at all is not kept, and pushes nothing out', async () => {
  using quick = new QuickCodings(3000);
  await made(quick, 'small', body('small'), 'gzip');
  const large = Buffer.from(crypto.getRandomValues(new Uint8Array(5000)));
  quick.use('large', large, 'gzip');
  await until(() => quick.atWork === 0);
  assert.equal(quick.use('large', large, 'gzip'), undefined);
  assert.notEqual(quick.use('small', body('small'), 'gzip'), undefined);
});

test('what is being made when all is over is not kept', async () => {
  const quick = new QuickCodings(1e6);
  quick.use('1', body('one'), 'br');
  quick[Symbol.dispose]();
  assert.deepEqual([quick.atWork, quick.bytes], [0, 0]);
});
