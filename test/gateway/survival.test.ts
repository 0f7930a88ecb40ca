// What a reload leaves as it is, each by itself: what was learned of endpoints, what was counted of clients, what was stored.
// Harm: a change of one line that forgets an ejection, a limit, a ban or the cache, at the worst moment.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import type { Endpoint } from '../../src/upstream/endpoint.ts';
import { type GatewayOptions, startGateway, type TestGateway } from '../support/gateway.ts';
import { HandClock } from '../support/hand-clock.ts';
import { type Asked, type Origin, startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';

type Given = NonNullable<GatewayOptions['config']>;

const LIMITS = {
  few: { key: ['address'], requests: 3, period_s: 3600, burst: 3 },
} as const;
const BAN = { key: ['address'], requests: 1, period_s: 3600, burst: 1, ban: { after: 1, within_s: 60, for_s: 600 } };
const CONFIG = {
  trusted_proxies: ['127.0.0.1/32'],
  routes: [
    { name: 'few', paths: ['/few'], class: 'mine', policies: { rate_limit: { limits: LIMITS } } },
    { name: 'banned', paths: ['/banned'], class: 'mine', policies: { rate_limit: { limits: { one: BAN } } } },
    {
      name: 'held',
      paths: ['/held'],
      class: 'mine',
      policies: { rate_limit: false, concurrency_limit: { limits: { all: { key: ['route'], max_in_flight: 1 } } } },
    },
    { name: 'kept', paths: ['/kept'], class: 'mine', policies: { cache: { default_ttl_s: 600 } } },
    { name: 'free', paths: ['/free'], class: 'mine', policies: { rate_limit: false } },
  ],
} as unknown as Given;

/** A gateway whose time stands still, before origins of which the first is the one of the test. */
async function started(origins: readonly Origin[], upstream: object = {}) {
  const clock = new HandClock(Date.now());
  const endpoints = origins.map(({ address }) => address);
  const gateway = await startGateway({
    zitadel: {
      endpoints,
      balancer: 'peak_ewma',
      health: { check: { path: '/ready', interval_ms: 3_600_000 } },
      ...upstream,
    } as never,
    config: CONFIG,
    clock,
  });
  await until(() => gateway.primary.ready().ok);
  return { clock, gateway };
}

/** A reload that changes much, and nothing of what the tests look at: another endpoint, another route, another listener. */
async function reload(gateway: TestGateway): Promise<void> {
  const { config, primary } = gateway;
  const { zitadel } = config.upstreams;
  const endpoints = [...zitadel!.endpoints!, { address: '127.0.0.1:1', weight: 1 }];
  const before = primary.generation.id;
  await primary.reload({
    ...config,
    trace_context: 'drop',
    upstreams: { zitadel: { ...zitadel!, endpoints } },
    routes: [...config.routes, { ...config.routes[4]!, name: 'new', paths: ['/new'] }],
    listeners: [...config.listeners, { ...config.listeners[1]!, name: 'more', address: '127.0.0.1:0' }],
  });
  assert.equal(primary.generation.id, before + 1);
}

const endpointsOf = (gateway: TestGateway): readonly Endpoint[] =>
  gateway.primary.generation.upstreams.get('zitadel')!.endpoints;
const statusOf = (gateway: TestGateway, { address }: Origin) =>
  gateway.primary.upstreams()[0]!.endpoints.find(({ name }) => name === address)!;

async function origin(play: (asked: Asked) => void = (asked) => asked.answer(200, {}, 'here')): Promise<Origin> {
  const made = await startOrigin('h2c');
  made.play = (asked) => {
    if (asked.target === '/ready') asked.answer(200);
    else play(asked);
  };
  return made;
}

function connect(gateway: TestGateway) {
  const session = http2.connect(gateway.clearUrl);
  session.on('error', () => {});
  return {
    async status(path: string, headers: http2.OutgoingHttpHeaders = {}): Promise<number> {
      const stream = session.request({ ':path': path, ...headers });
      stream.resume();
      const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      if (!stream.closed) await once(stream, 'close');
      return Number(head[':status']);
    },
    [Symbol.dispose]: () => session.destroy(),
  };
}

describe('after a reload an endpoint', () => {
  test('that failed its checks is as unhealthy as before, and since then; it is not checked anew', async () => {
    await using bad = await origin();
    bad.play = (asked) => asked.answer(412);
    await using good = await origin();
    const { gateway } = await started([bad, good]);
    await using _ = gateway;
    const before = statusOf(gateway, bad);
    assert.equal(before.state, 'unhealthy');
    const checks = bad.asked.length;
    await reload(gateway);
    const { state, since, reason } = statusOf(gateway, bad);
    assert.deepEqual({ state, since, reason }, { state: 'unhealthy', since: before.since, reason: before.reason });
    using client = connect(gateway);
    for (let i = 0; i < 4; i += 1) assert.equal(await client.status('/free'), 200);
    assert.equal(bad.asked.length, checks);
  });

  test('is ejected until the same moment', async () => {
    await using bad = await origin((asked) => asked.answer(503));
    await using good = await origin();
    const { gateway } = await started([bad, good], { balancer: 'round_robin', slow_start_ms: 0 });
    await using _ = gateway;
    using client = connect(gateway);
    while (statusOf(gateway, bad).state !== 'ejected') await client.status('/free', { ':method': 'POST' });
    const before = statusOf(gateway, bad);
    const asked = bad.asked.length;
    await reload(gateway);
    const after = statusOf(gateway, bad);
    assert.deepEqual([after.state, after.ejected_until], ['ejected', before.ejected_until]);
    assert.equal(await client.status('/free'), 200);
    assert.equal(bad.asked.length, asked);
  });

  test('has the rest of its slow start, and what is known of its latency', async () => {
    await using slow = await origin();
    await using quick = await origin();
    const { gateway, clock } = await started([slow, quick]);
    await using _ = gateway;
    clock.pass(4000);
    const [endpoint] = endpointsOf(gateway);
    endpoint!.answered('success', 800);
    const before = { since: endpoint!.usableSince, latency: endpoint!.latencyMs(clock.now()) };
    assert.ok(before.latency! > 0);
    await reload(gateway);
    const [after] = endpointsOf(gateway);
    assert.deepEqual({ since: after!.usableSince, latency: after!.latencyMs(clock.now()) }, before);
  });

  test('has its sessions: requests go on over them', async () => {
    await using one = await origin();
    const { gateway } = await started([one]);
    await using _ = gateway;
    using client = connect(gateway);
    assert.equal(await client.status('/free'), 200);
    const { sessions } = statusOf(gateway, one);
    assert.equal(sessions, 1);
    const opened = gateway.announced.filter(({ name }) => name === 'session_opened').length;
    await reload(gateway);
    for (let i = 0; i < 3; i += 1) assert.equal(await client.status('/free'), 200);
    assert.equal(statusOf(gateway, one).sessions, 1);
    assert.equal(gateway.announced.filter(({ name }) => name === 'session_opened').length, opened);
    assert.equal(gateway.announced.filter(({ name }) => name === 'session_closed').length, 0);
  });

  test('that leaves the config and comes back with the next reload is as it was', async () => {
    await using bad = await origin();
    bad.play = (asked) => asked.answer(412);
    await using good = await origin();
    const { gateway } = await started([bad, good]);
    await using _ = gateway;
    const { since } = statusOf(gateway, bad);
    const { zitadel } = gateway.config.upstreams;
    const without = zitadel!.endpoints!.filter((one) => (typeof one === 'string' ? one : one.address) !== bad.address);
    await gateway.primary.reload({
      ...gateway.config,
      upstreams: { zitadel: { ...zitadel!, endpoints: without } },
    });
    assert.equal(endpointsOf(gateway).length, 1);
    await reload(gateway);
    assert.deepEqual([statusOf(gateway, bad).state, statusOf(gateway, bad).since], ['unhealthy', since]);
  });
});

describe('after a reload a client', () => {
  test('has as much left of its limit as before', async () => {
    await using one = await origin();
    const { gateway } = await started([one]);
    await using _ = gateway;
    using client = connect(gateway);
    assert.deepEqual([await client.status('/few'), await client.status('/few')], [200, 200]);
    await reload(gateway);
    assert.deepEqual([await client.status('/few'), await client.status('/few')], [200, 429]);
  });

  test('is banned as long as before', async () => {
    await using one = await origin();
    const { gateway } = await started([one]);
    await using _ = gateway;
    using client = connect(gateway);
    assert.deepEqual([await client.status('/banned'), await client.status('/banned')], [200, 429]);
    const bans = gateway.primary.generation.services.localTier.bans();
    assert.equal(bans.length, 1);
    await reload(gateway);
    assert.deepEqual(gateway.primary.generation.services.localTier.bans(), bans);
    assert.equal(await client.status('/banned'), 429);
  });

  test('whose request is in flight has its place: a second one is refused, and gets it after the first', async () => {
    await using one = await origin(() => {});
    const { gateway } = await started([one]);
    await using _ = gateway;
    using client = connect(gateway);
    const first = client.status('/held');
    await until(() => one.asked.some(({ target }) => target === '/held'));
    await reload(gateway);
    assert.equal(await client.status('/held'), 429);
    for (const asked of one.asked) if (asked.target === '/held') asked.answer(200);
    assert.equal(await first, 200);
    one.play = (asked) => asked.answer(200);
    await until(() => gateway.primary.generation.services.occupancies().places!.used === 0);
    assert.equal(await client.status('/held'), 200);
  });

  test('is answered from the cache', async () => {
    await using one = await origin((asked) => asked.answer(200, { 'cache-control': 'public, max-age=600' }, 'stored'));
    const { gateway } = await started([one]);
    await using _ = gateway;
    using client = connect(gateway);
    assert.equal(await client.status('/kept'), 200);
    const asked = one.asked.filter(({ target }) => target === '/kept').length;
    await reload(gateway);
    assert.equal(await client.status('/kept'), 200);
    assert.equal(one.asked.filter(({ target }) => target === '/kept').length, asked);
  });

  test('resumes the TLS session that it began before', async () => {
    await using one = await origin();
    const { gateway } = await started([one]);
    await using _ = gateway;
    const visit = async (session?: Buffer): Promise<{ resumed: boolean; ticket: Buffer | undefined }> => {
      const socket = tls.connect({
        port: gateway.port('public'),
        host: '127.0.0.1',
        servername: 'localhost',
        ca: gateway.ca,
        ALPNProtocols: ['http/1.1'],
        ...(session !== undefined && { session }),
      });
      const given = session === undefined ? once(socket, 'session') : undefined;
      await once(socket, 'secureConnect');
      const resumed = socket.isSessionReused();
      // Who resumes need not get another one.
      const [ticket] = (await given) ?? [];
      socket.destroy();
      return { resumed, ticket };
    };
    const { ticket } = await visit();
    await reload(gateway);
    assert.equal((await visit(ticket)).resumed, true);
  });
});

test('after a reload the limit of an upstream that was overloaded is as low as before', async () => {
  await using one = await origin(() => {});
  const { gateway, clock } = await started([one], { adaptive_concurrency: { min_limit: 2, max_limit: 100 } });
  await using _ = gateway;
  const limit = (): number => gateway.primary.generation.overload.limits()[0]!.limit;
  assert.equal(limit(), 100);
  using client = connect(gateway);
  const open = Array.from({ length: 12 }, () => client.status('/free', { ':method': 'POST' }));
  await until(() => one.asked.filter(({ target }) => target === '/free').length === 12);
  clock.pass(1000);
  for (const asked of one.asked) if (asked.target === '/free') asked.answer(503);
  assert.deepEqual(new Set(await Promise.all(open)), new Set([503]));
  const low = limit();
  assert.ok(low < 50, `the limit is ${low}`);
  await reload(gateway);
  assert.equal(limit(), low);
});
