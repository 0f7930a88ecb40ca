// Endpoints that come, go and flap while requests flow; a DNS that lies, fails, is slow or says nothing.
// Harm: an outage of DNS, or a rolling update, that every client of ZITADEL sees.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DnsAnswer, DnsServer } from '../support/dns-server.ts';
import { startGateway } from '../support/gateway.ts';
import { Client, CONFIG, NAME, untilPod, upstreamOf } from '../support/pod-client.ts';
import { startPods } from '../support/pods.ts';
import { until } from '../support/until.ts';

test('endpoints that come are used, those that go are not, and no request fails meanwhile', async () => {
  await using cluster = await startPods(3);
  const [one, two, three] = cluster.pods.map(({ address }) => address) as [string, string, string];
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { records: [one], ttl: 0 });
  await using gateway = await startGateway({ zitadel: upstreamOf(dns, cluster.port), config: CONFIG });
  using client = new Client(gateway);
  assert.equal(await client.ask(), one, 'the first request waits for the first answer of DNS');
  const flow = client.flow();
  dns.set(NAME, 'A', { records: [one, two, three], ttl: 0 });
  for (const pod of [one, two, three]) await untilPod(client, pod);
  dns.set(NAME, 'A', { records: [three], ttl: 0 });
  await gateway.announcement('endpoints_changed', ({ removed }) => removed.length === 2);
  const asked = cluster.pods[0]!.asked.length;
  for (let i = 0; i < 10; i += 1) assert.equal(await client.ask(), three);
  assert.ok(cluster.pods[0]!.asked.length <= asked + 1, 'at most the one that was on its way');
  const answers = await flow.stop();
  assert.deepEqual([...answers.keys()].sort(), [one, two, three]);
});

test('a stream ends in peace on an endpoint that leaves, and its session is closed then', async () => {
  await using cluster = await startPods(2);
  const [one, two] = cluster.pods as [(typeof cluster.pods)[0], (typeof cluster.pods)[0]];
  const held = Promise.withResolvers<void>();
  one.held.set('/long', held.promise);
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { records: [one.address], ttl: 0 });
  await using gateway = await startGateway({ zitadel: upstreamOf(dns, cluster.port), config: CONFIG });
  using client = new Client(gateway);
  const long = client.ask('/long');
  await until(() => one.asked.length > 0);
  dns.set(NAME, 'A', { records: [two.address], ttl: 0 });
  await gateway.announcement('endpoints_changed', ({ removed }) => removed.length === 1);
  assert.equal(await client.ask(), two.address);
  held.resolve();
  assert.equal(await long, one.address);
  await gateway.announcement('session_closed', ({ endpoint }) => endpoint.startsWith(one.address));
});

const OUTAGES: readonly (readonly [string, DnsAnswer])[] = [
  ['NXDOMAIN', { code: 'NXDOMAIN' }],
  ['SERVFAIL', { code: 'SERVFAIL' }],
  ['REFUSED', { code: 'REFUSED' }],
  ['an empty answer', {}],
  ['no answer', { how: 'never' }],
  ['garbage', { how: 'garbage' }],
];
for (const [what, answer] of OUTAGES) {
  test(`${what} empties no working set: told, requests go on, and what DNS says later counts`, async () => {
    await using cluster = await startPods(2);
    const [one, two] = cluster.pods.map(({ address }) => address) as [string, string];
    await using dns = await DnsServer.start();
    dns.set(NAME, 'A', { records: [one], ttl: 0 });
    await using gateway = await startGateway({ zitadel: upstreamOf(dns, cluster.port), config: CONFIG });
    using client = new Client(gateway);
    assert.equal(await client.ask(), one);
    const flow = client.flow();
    dns.set(NAME, 'A', answer);
    assert.equal((await gateway.announcement('discovery_failed')).kept, 1);
    assert.equal(await client.ask(), one);
    dns.set(NAME, 'A', { records: [two], ttl: 0 });
    await gateway.announcement('discovery_recovered');
    assert.equal(await client.ask(), two);
    assert.deepEqual([...(await flow.stop()).keys()].sort(), [one, two]);
  });
}

test('a name that flaps costs no request', async () => {
  await using cluster = await startPods(2);
  const [one, two] = cluster.pods.map(({ address }) => address) as [string, string];
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { records: [one, two], ttl: 0 });
  await using gateway = await startGateway({ zitadel: upstreamOf(dns, cluster.port), config: CONFIG });
  using client = new Client(gateway);
  await client.ask();
  const flow = client.flow();
  for (let round = 1; round <= 3; round += 1) {
    for (const records of [[one], [two], [one, two]]) {
      const { length } = gateway.announced;
      dns.set(NAME, 'A', { records, ttl: 0 });
      await until(() => gateway.announced.slice(length).some(({ name }) => name === 'endpoints_changed'));
    }
  }
  const answers = await flow.stop();
  assert.deepEqual([...answers.keys()].sort(), [one, two]);
});

test('a slow resolver holds up nobody who is served by what is known', async () => {
  await using cluster = await startPods(1);
  await using dns = await DnsServer.start();
  const slow = Promise.withResolvers<void>();
  dns.set(NAME, 'A', { records: ['127.0.0.1'], ttl: 0 });
  await using gateway = await startGateway({
    zitadel: { discovery: { ...upstreamOf(dns, cluster.port).discovery, timeout_ms: 60_000 } },
    config: CONFIG,
  });
  using client = new Client(gateway);
  assert.equal(await client.ask(), '127.0.0.1');
  const { length } = dns.asked;
  dns.set(NAME, 'A', { records: ['127.0.0.1'], ttl: 0, after: slow.promise });
  await dns.questions(NAME, 'A', length + 1);
  for (let i = 0; i < 20; i += 1) assert.equal(await client.ask(), '127.0.0.1');
  slow.resolve();
});

test('requests wait for the first answer, and are refused at once when it says that there is nothing', async () => {
  await using cluster = await startPods(1);
  await using dns = await DnsServer.start();
  const first = Promise.withResolvers<void>();
  dns.set(NAME, 'A', { code: 'NXDOMAIN', after: first.promise });
  await using gateway = await startGateway({ zitadel: upstreamOf(dns, cluster.port), config: CONFIG });
  using client = new Client(gateway);
  const waiting = client.ask();
  await dns.questions(NAME, 'A', 1);
  assert.equal(gateway.ended.length, 0);
  first.resolve();
  assert.equal(await waiting, '503');
  const { record } = await gateway.over(() => true);
  assert.deepEqual([record.error?.code, record.attempts], ['NO_ENDPOINT', 0]);
  assert.equal(await client.ask(), '503');
  dns.set(NAME, 'A', { records: ['127.0.0.1'] });
  await gateway.announcement('endpoints_changed');
  assert.equal(await client.ask(), '127.0.0.1');
});

test('a first answer that does not come is waited for as long as a connection may take', async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { how: 'never' });
  const zitadel = { ...upstreamOf(dns, 1), connect_timeout_ms: 50 };
  zitadel.discovery.timeout_ms = 60_000;
  await using gateway = await startGateway({ zitadel, config: CONFIG });
  using client = new Client(gateway);
  assert.equal(await client.ask(), '503');
});

test('an endpoint that cannot be reached has DNS asked before its TTL is over', async () => {
  await using cluster = await startPods(2);
  const [one, two] = cluster.pods as [(typeof cluster.pods)[0], (typeof cluster.pods)[0]];
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { records: [one.address], ttl: 3600 });
  const zitadel = upstreamOf(dns, cluster.port);
  await using gateway = await startGateway({
    zitadel: { discovery: { ...zitadel.discovery, max_ttl_ms: 3_600_000 } },
    config: CONFIG,
  });
  using client = new Client(gateway);
  assert.equal(await client.ask(), one.address);
  await one[Symbol.asyncDispose]();
  dns.set(NAME, 'A', { records: [two.address], ttl: 3600 });
  while ((await client.ask()) !== two.address);
});

test('a thousand addresses are not a thousand sessions: no more than max_endpoints are used', async () => {
  await using cluster = await startPods(1);
  await using dns = await DnsServer.start();
  const records = Array.from({ length: 1000 }, (_, index) => `127.0.${1 + (index >> 8)}.${index & 255}`);
  dns.set(NAME, 'A', { records: ['127.0.0.1', ...records] });
  const zitadel = upstreamOf(dns, cluster.port);
  await using gateway = await startGateway({
    zitadel: { discovery: { ...zitadel.discovery, max_endpoints: 1, timeout_ms: 5000 } },
    config: CONFIG,
  });
  const changed = await gateway.announcement('endpoints_changed');
  assert.deepEqual([changed.endpoints, changed.leftOut], [1, 1000]);
  using client = new Client(gateway);
  assert.equal(await client.ask(), '127.0.0.1');
});

test('a name with addresses of both families: each is an endpoint, and one that does not answer costs no request', async () => {
  await using cluster = await startPods(1);
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', ['127.0.0.1']);
  dns.set(NAME, 'AAAA', ['::1']);
  await using gateway = await startGateway({
    zitadel: { discovery: { ...upstreamOf(dns, cluster.port).discovery, address_family: 'any' } },
    config: CONFIG,
  });
  using client = new Client(gateway);
  for (let i = 0; i < 10; i += 1) assert.equal(await client.ask('/', 'POST'), '127.0.0.1');
  const names = gateway.primary.generation.upstreams.get('zitadel')!.endpoints.map(({ name }) => name);
  assert.deepEqual(names, [`127.0.0.1:${cluster.port}`, `[::1]:${cluster.port}`]);
});
