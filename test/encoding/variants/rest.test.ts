import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rest, restMs } from '../../../src/encoding/variants/rest.ts';

describe('rest of the variant thread', () => {
  it('is none where it has a core beside the requests, and three times the work where it has not', () => {
    assert.equal(restMs(100, 2), 0);
    assert.equal(restMs(100, 64), 0);
    assert.equal(restMs(100, 1), 300);
  });

  it('takes no time where no work was done', () => {
    rest(0);
  });
});
