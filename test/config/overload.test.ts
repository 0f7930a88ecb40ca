// A priority that reaches no route is a slip of the pen, and nobody would notice before the overload.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PRESETS } from '../../src/config/presets/index.ts';
import { configSchema } from '../../src/config/schema.ts';

const LEAST = {
  listeners: [{ name: 'clear', address: '127.0.0.1:0', external_scheme: 'https' as const }],
  upstreams: { zitadel: { endpoints: ['127.0.0.1:1'] } },
};

test('every class of the preset has a priority but those that are normal: api and refused', () => {
  const without = Object.entries(PRESETS.zitadel.classes).filter(([, one]) => !('priority' in one));
  assert.deepEqual(
    without.map(([name]) => name),
    ['api', 'refused'],
  );
});

test('it is on by default, with room for 50 in flight', () => {
  const { upstreams } = configSchema.parse(LEAST);
  const { mode, min_limit } = upstreams.zitadel!.adaptive_concurrency;
  assert.deepEqual([mode, min_limit], ['on', 50]);
});

test('a highest limit below the lowest is refused with its place', () => {
  const zitadel = { endpoints: ['127.0.0.1:1'], adaptive_concurrency: { min_limit: 9, max_limit: 8 } };
  const found = configSchema.safeParse({ ...LEAST, upstreams: { zitadel } });
  assert.deepEqual(
    found.error?.issues.map(({ path }) => path.join('.')),
    ['upstreams.zitadel.adaptive_concurrency.max_limit'],
  );
});

test('a priority that there is none of is refused with its place', () => {
  const found = configSchema.safeParse({ ...LEAST, overload: { priorities: { api: 'urgent' } } });
  assert.deepEqual(
    found.error?.issues.map(({ path }) => path.join('.')),
    ['overload.priorities.api'],
  );
});
