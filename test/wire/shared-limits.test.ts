// Two gateways that share their limits on a real Redis: together they let through what one would, and when Redis goes
// nothing hangs, each counts alone, and all is shared again without a restart.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { startRedis } from '../limits/shared/redis-server.ts';
import { startGateway } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';

const REDIS = needs('redis');
const BURST = 20;

test(
  'two replicas let through together what one would; Redis dies and comes back, and no request hangs',
  REDIS,
  async () => {
    await using redis = await startRedis();
    await using zitadel = await startStandIn();
    const replica = () =>
      startGateway({
        zitadel: new URL(zitadel.url).host,
        config: {
          // Long enough for a machine that does other things too; the deadline itself has its tests.
          limiter: { shared: { url: redis.url, deadline_ms: 1000 } },
          routes: [
            {
              name: 'limited',
              paths: ['/demo/*'],
              class: 'mine',
              policies: {
                rate_limit: {
                  limits: { shared: { key: ['address', 'header:x-case'], requests: BURST, period_s: 3600 } },
                },
              },
            },
          ],
        },
      });
    await using one = await replica();
    await using other = await replica();
    const gateways = [one, other];
    for (const { primary } of gateways) assert.equal(await primary.generation.services.sharedTier!.firstTry, undefined);

    /** So many requests over both replicas at once; how many were let through. */
    async function admitted(name: string, requests: number): Promise<number> {
      const answers = await Promise.all(
        Array.from({ length: requests }, (_, i) =>
          fetch(`${gateways[i % 2]!.clearUrl}/demo/echo`, { headers: { 'x-case': name } }),
        ),
      );
      await Promise.all(answers.map((answer) => answer.arrayBuffer()));
      assert.ok(answers.every(({ status }) => status === 200 || status === 429));
      return answers.filter(({ status }) => status === 200).length;
    }

    assert.equal(await admitted('calm', 200), BURST, 'exactly, not about');
    const down = gateways.map((gateway) => gateway.announcement('shared_tier', ({ up }) => !up));
    await redis.kill();
    const during = await admitted('gone', 200);
    await Promise.all(down);
    assert.ok(during >= BURST && during <= 2 * BURST, `each counts alone: ${during}`);
    assert.equal(await admitted('gone', 100), 2 * BURST - during, 'and goes on to do so');

    const since = gateways.map(({ announced }) => announced.length);
    await redis.restart();
    await Promise.all(
      gateways.map((gateway, i) =>
        gateway.announcement('shared_tier', (event) => {
          return event.up && gateway.announced.findIndex(({ payload }) => payload === event) >= since[i]!;
        }),
      ),
    );
    assert.equal(await admitted('back', 200), BURST, 'shared again, without a restart');
  },
);

test('`on_error: deny` refuses with 503 what nobody can count', REDIS, async () => {
  await using redis = await startRedis();
  await using zitadel = await startStandIn();
  await using gateway = await startGateway({
    zitadel: new URL(zitadel.url).host,
    config: { limiter: { shared: { url: redis.url, on_error: 'deny', deadline_ms: 1000 } } },
  });
  await gateway.primary.generation.services.sharedTier!.firstTry;
  const ask = (): Promise<Response> => fetch(`${gateway.clearUrl}/.well-known/openid-configuration`);
  assert.equal((await ask()).status, 200);
  const down = gateway.announcement('shared_tier', ({ up }) => !up);
  await redis.kill();
  await down;
  const answer = await ask();
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1']);
});
