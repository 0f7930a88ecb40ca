// Fields that should come once and come twice: what the origin says goes on as it is. Harm: a 502, or no answer at all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT_PROTOCOLS, startCached } from '../support/cached.ts';

const TWICE = { age: ['1', '2'], expires: ['0', '1'], 'content-language': ['de', 'en'], 'set-cookie': ['a=1', 'b=2'] };

for (const protocol of CLIENT_PROTOCOLS) {
  for (const cache of [false, {}] as const) {
    test(`${protocol}: both lines of a field reach the client ${cache ? 'of a route with a cache' : 'of a route'}`, async () => {
      await using stage = await startCached({ protocol: 'http/1.1', cache });
      stage.origin.play = (one) => one.answer(200, TWICE, 'body');
      const got = await stage.get('/c/twice', { protocol });
      assert.deepEqual([got.status, got.text], [200, 'body']);
      for (const [name, lines] of Object.entries(TWICE)) {
        const had = got.fields.filter(([one]) => one === name).map(([, value]) => value);
        assert.deepEqual(had, lines, name);
      }
    });
  }
}
