// What every content coding must do: RFC 9110 section 8.4.1, RFC 1952, RFC 7932, RFC 8878, RFC 9659.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { CODING_NAMES, type CodingName } from '../../src/encoding/coding.ts';
import { CODINGS, codingOf } from '../../src/encoding/index.ts';

const MIB = 1024 * 1024;

/** Text that shrinks as a program's does. */
function script(bytes: number): Buffer {
  let text = '';
  for (let i = 0; text.length < bytes; i += 1) text += `export function f${i}(a${i % 7}){return a${i % 7}+${i * 31}}\n`;
  return Buffer.from(text.slice(0, bytes));
}

/** Programs of others that decode standard input. */
const OTHERS: Readonly<Record<CodingName, [program: string, args: string[]]>> = {
  br: ['brotli', ['-d', '-c']],
  // 8 MiB is what a decoder must take and may refuse above: RFC 9659 section 3.
  zstd: ['zstd', ['-d', '-c', '--memory=8MB']],
  gzip: ['gzip', ['-d', '-c']],
};

test('the list is in the order of preference, and each is found by its name', () => {
  assert.deepEqual(
    CODINGS.map(({ name }) => name),
    CODING_NAMES,
  );
  for (const name of CODING_NAMES) assert.equal(codingOf(name).name, name);
});

for (const coding of CODINGS) {
  const { name } = coding;

  /** The body as the encoder of passing bodies gives it. */
  function streamed(pieces: readonly Uint8Array[], size?: number): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const out: Uint8Array[] = [];
    const encoder = coding.encoder(
      {
        onData: (chunk) => out.push(chunk),
        onEnd: () => resolve(Buffer.concat(out)),
        onDrain() {},
        onError: reject,
      },
      size,
    );
    for (const piece of pieces) encoder.write(piece);
    encoder.end();
    return promise;
  }

  test(`${name}, property: best, quick and streamed bodies decode to what went in`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 5 }), async (pieces) => {
        const body = Buffer.concat(pieces);
        for (const coded of [
          coding.best(body),
          coding.quick(body),
          await streamed(pieces),
          await streamed(pieces, body.length),
        ]) {
          assert.ok(Buffer.from(coding.decode(coded, body.length + 1)).equals(body));
        }
      }),
      { numRuns: 25 },
    );
  });

  for (const size of [0, 1, 255, 256, 257, 32_768, 300_001]) {
    test(`${name}: ${size} bytes, also where the length was told too small or too large`, async () => {
      const body = script(size);
      for (const told of [undefined, size, 1, 100_000_000]) {
        const coded = await streamed([body.subarray(0, size >> 1), body.subarray(size >> 1)], told);
        assert.ok(Buffer.from(coding.decode(coded, size + 1)).equals(body));
      }
    });
  }

  test(`${name}: the program of others decodes it`, async (t) => {
    const [program, args] = OTHERS[name];
    const body = script(3 * MIB);
    for (const coded of [
      coding.quick(body),
      coding.best(body.subarray(0, 200_000)),
      await streamed([body], body.length),
    ]) {
      const { error, stdout, stderr } = spawnSync(program, args, { input: coded, maxBuffer: 64 * MIB });
      if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return t.skip(`${program} is not installed`);
      assert.equal(stderr.toString(), '');
      assert.ok(body.subarray(0, stdout.length).equals(stdout) && stdout.length >= 200_000);
    }
  });

  test(`${name}: the best is not larger than the quick, and the quick is worth it`, () => {
    const body = script(200_000);
    const quick = coding.quick(body).length;
    assert.ok(quick < body.length / 3);
    assert.ok(coding.best(body).length <= quick);
  });

  test(`${name}: what is no coded body, is cut, or is too large is not decoded`, () => {
    const body = script(100_000);
    const coded = coding.best(body);
    assert.throws(() => coding.decode(Buffer.from('plain text that nobody coded'), MIB));
    assert.throws(() => coding.decode(coded.subarray(0, coded.length - 9), MIB));
    assert.throws(() => coding.decode(coded, body.length - 1));
  });

  test(`${name}: a destroyed encoder says nothing more`, async () => {
    const said: string[] = [];
    const encoder = coding.encoder({
      onData: () => said.push('data'),
      onEnd: () => said.push('end'),
      onDrain: () => said.push('drain'),
      onError: () => said.push('error'),
    });
    encoder.write(script(100_000));
    encoder.destroy();
    encoder.write(script(10));
    encoder.end();
    encoder.destroy();
    // Another body goes the same way through the thread pool meanwhile.
    for (let i = 0; i < 8; i += 1) await streamed([script(100_000)]);
    assert.deepEqual(said, []);
  });
}
