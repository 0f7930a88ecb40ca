import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CODING_NAMES, type CodingName } from '../../../src/encoding/coding.ts';
import { codingOf } from '../../../src/encoding/index.ts';
import { VariantMaker } from '../../../src/encoding/variants/variant-maker.ts';
import { HandClock } from '../../support/hand-clock.ts';

/** Bodies of repeated pieces, which code well, and of random bytes, which do not; some beyond the bound of pieces. */
const bodies = fc
  .tuple(fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 800 })))
  .map(([piece, times]) => Buffer.concat(Array.from({ length: times }, () => piece)));

describe('variants of any body', () => {
  it('decode to the body, and are smaller by two parts of a hundred at least', async () => {
    using maker = new VariantMaker({
      clock: new HandClock(),
      maxQueuedBytes: 1e9,
      maxJobs: 10,
      onFailure: ({ reason }) => assert.fail(reason),
    });
    let digest = 0;
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const made = new Map<CodingName, Uint8Array | undefined>();
        digest += 1;
        maker.make({ body, digest: String(digest) }, CODING_NAMES, (coding, coded) => made.set(coding, coded));
        await maker.idle();
        assert.equal(made.size, CODING_NAMES.length);
        for (const [coding, coded] of made) {
          if (coded === undefined) continue;
          assert.ok(coded.byteLength < body.byteLength * 0.98);
          assert.ok(body.equals(codingOf(coding).decode(coded, body.byteLength)), coding);
        }
      }),
      { numRuns: 60 },
    );
  });
});
