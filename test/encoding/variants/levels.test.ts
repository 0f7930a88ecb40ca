import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants } from 'node:zlib';
import { brotliParams, levelFor, zstdParams } from '../../../src/encoding/variants/levels.ts';

const MIB = 1_048_576;

describe('levels of variants', () => {
  it('are the best ones for what a web application is made of', () => {
    assert.deepEqual(
      (['br', 'zstd', 'gzip'] as const).map((coding) => levelFor(coding, 5 * MIB)),
      [11, 19, 9],
    );
  });

  it('fall with the size, so that a job is bounded in time', () => {
    assert.deepEqual(
      [6 * MIB, 6 * MIB + 1, 12 * MIB, 12 * MIB + 1, 512 * MIB].map((bytes) => levelFor('br', bytes)),
      [11, 10, 10, 9, 9],
    );
    assert.deepEqual(
      [16 * MIB, 16 * MIB + 1].map((bytes) => levelFor('zstd', bytes)),
      [19, 12],
    );
  });

  it('never make a window of more than 4 MiB, which all decoders of browsers take', () => {
    for (const bytes of [0, 1, 1000, MIB, 100 * MIB, 2 ** 40]) {
      const br = brotliParams(bytes)[constants.BROTLI_PARAM_LGWIN]!;
      const zstd = zstdParams(bytes)[constants.ZSTD_c_windowLog]!;
      assert.ok(br >= 10 && br <= 22, `br ${br} of ${bytes}`);
      assert.ok(zstd >= 10 && zstd <= 22, `zstd ${zstd} of ${bytes}`);
    }
  });
});
