// Where endpoints come from, and what a reload changes about them: lists with weights, SRV records, files, names with TLS.
// Harm: a changed config that costs requests; or a DNS server that decides which certificate is good enough.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { certificateFor } from '../support/certificate.ts';
import { DnsServer } from '../support/dns-server.ts';
import { startGateway } from '../support/gateway.ts';
import { Client, CONFIG, NAME, upstreamOf } from '../support/pod-client.ts';
import { startPods } from '../support/pods.ts';

test('a reload that says another name goes on with the endpoints that are known until the new one is looked up', async () => {
  await using cluster = await startPods(2);
  const [one, two] = cluster.pods.map(({ address }) => address) as [string, string];
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { records: [one] });
  dns.set('other.test', 'A', { records: [two] });
  await using gateway = await startGateway({ zitadel: upstreamOf(dns, cluster.port), config: CONFIG });
  using client = new Client(gateway);
  assert.equal(await client.ask(), one);
  const flow = client.flow();
  const { zitadel } = gateway.config.upstreams;
  const renamed = (name: string) => ({
    ...gateway.config,
    upstreams: { zitadel: { ...zitadel!, discovery: { ...zitadel!.discovery!, dns: { name, port: cluster.port } } } },
  });
  await gateway.primary.reload(renamed('gone.test'));
  assert.equal(await client.ask(), one);
  await gateway.primary.reload(renamed('other.test'));
  assert.equal(await client.ask(), two);
  assert.deepEqual([...(await flow.stop()).keys()].sort(), [one, two]);
});

test('a reload of something else keeps endpoints, their sessions, and the time of the next look', async () => {
  await using cluster = await startPods(1);
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { records: ['127.0.0.1'], ttl: 3600 });
  await using gateway = await startGateway({
    zitadel: upstreamOf(dns, cluster.port),
    config: CONFIG,
  });
  using client = new Client(gateway);
  await client.ask();
  const [endpoint] = gateway.primary.generation.upstreams.get('zitadel')!.endpoints;
  const { length } = dns.asked;
  await gateway.primary.reload({ ...gateway.config, trace_context: 'drop' });
  assert.equal(gateway.primary.generation.upstreams.get('zitadel')!.endpoints[0], endpoint);
  assert.equal(await client.ask(), '127.0.0.1');
  assert.equal(dns.asked.length, length);
});

test('endpoints of a file: weights count, another file is followed, a broken one changes nothing', async (t) => {
  await using cluster = await startPods(2);
  const [one, two] = cluster.pods.map(({ address }) => address) as [string, string];
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-discovery-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'pods.yaml');
  writeFileSync(file, `- ${one}:${cluster.port}\n`);
  await using gateway = await startGateway({ zitadel: { discovery: { file } }, config: CONFIG });
  using client = new Client(gateway);
  assert.equal(await client.ask(), one);
  writeFileSync(file, '- broken\n');
  const { problem, kept } = await gateway.announcement('discovery_failed');
  assert.match(problem, /pods\.yaml:1:3: \[0\]: expected host:port/);
  assert.equal(kept, 1);
  assert.equal(await client.ask(), one);
  writeFileSync(file, `[{"address": "${two}:${cluster.port}", "weight": 9}]`);
  await gateway.announcement('endpoints_changed', ({ removed }) => removed.length === 1);
  assert.equal(await client.ask(), two);
});

test('a reload with a file of endpoints that cannot be used is refused by its place', async () => {
  await using cluster = await startPods(1);
  await using gateway = await startGateway({ zitadel: `127.0.0.1:${cluster.port}`, config: CONFIG });
  const { endpoints: _, ...rest } = gateway.config.upstreams.zitadel!;
  const file = join(tmpdir(), 'gatehouse-no-such-file.yaml');
  const discovery = {
    file,
    address_family: 'any',
    lookup: 'dns',
    resolver: [],
    min_ttl_ms: 1000,
    max_ttl_ms: 1000,
    interval_ms: 1000,
    retry_max_ms: 1000,
    timeout_ms: 1000,
    max_endpoints: 1,
  } as const;
  await assert.rejects(
    gateway.primary.reload({
      ...gateway.config,
      upstreams: { zitadel: { ...rest, discovery: { ...discovery, resolver: [] } } },
    }),
    /^Error: upstreams\.zitadel\.discovery\.file: .*no-such-file\.yaml: cannot be read \(ENOENT\)$/,
  );
  using client = new Client(gateway);
  assert.equal(await client.ask(), '127.0.0.1');
});

test('by SRV: targets on ports of their own are used in proportion to their weights', async () => {
  await using one = await startPods(1);
  await using other = await startPods(1);
  await using dns = await DnsServer.start();
  dns.set('_h2._tcp.zitadel.test', 'SRV', [`0 1 ${one.port} a.test`, `0 3 ${other.port} a.test`]);
  dns.set('a.test', 'A', ['127.0.0.1']);
  const { dns: _, ...rest } = upstreamOf(dns, 1).discovery;
  await using gateway = await startGateway({
    zitadel: {
      discovery: { ...rest, srv: { name: '_h2._tcp.zitadel.test' } },
      balancer: 'round_robin',
      slow_start_ms: 0,
    },
    config: CONFIG,
  });
  using client = new Client(gateway);
  for (let i = 0; i < 40; i += 1) assert.equal(await client.ask(), '127.0.0.1');
  assert.deepEqual([one.pods[0]!.asked.length, other.pods[0]!.asked.length], [10, 30]);
});

test('listed endpoints have their weights, and a reload with others keeps those that stay', async () => {
  await using cluster = await startPods(3);
  const [one, two, three] = cluster.pods.map(({ address }) => `${address}:${cluster.port}`) as [string, string, string];
  await using gateway = await startGateway({
    zitadel: { endpoints: [one, { address: two, weight: 3 }], balancer: 'round_robin', slow_start_ms: 0 },
    config: CONFIG,
  });
  using client = new Client(gateway);
  for (let i = 0; i < 40; i += 1) await client.ask();
  assert.deepEqual(
    cluster.pods.map(({ asked }) => asked.length),
    [10, 30, 0],
  );
  const upstream = () => gateway.primary.generation.upstreams.get('zitadel')!;
  const [, kept] = upstream().endpoints;
  const zitadel = { ...gateway.config.upstreams.zitadel!, endpoints: [two, three] };
  await gateway.primary.reload({ ...gateway.config, upstreams: { zitadel } });
  assert.deepEqual(
    upstream().endpoints.map(({ name, weight }) => [name, weight]),
    [
      [two, 1],
      [three, 1],
    ],
  );
  assert.equal(upstream().endpoints[0], kept);
});

test('TLS: the certificate of an address from DNS is verified against the name of the config', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-discovery-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { certificate, key } = await certificateFor([NAME]);
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, certificate);
  const names: unknown[] = [];
  const server = http2.createSecureServer({ cert: certificate, key });
  server.on('secureConnection', (socket) => names.push(socket.servername));
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.respond({ ':status': 200, 'x-pod': 'tls' });
    stream.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', ['127.0.0.1']);
  dns.set(`_h2._tcp.${NAME}`, 'SRV', [`0 0 ${port} somewhere.else.test`]);
  dns.set('somewhere.else.test', 'A', ['127.0.0.1']);
  const { dns: byName, ...rest } = upstreamOf(dns, port).discovery;
  for (const ask of [{ dns: byName }, { srv: { name: `_h2._tcp.${NAME}.` } }]) {
    const zitadel = { protocol: 'h2' as const, discovery: { ...rest, ...ask }, tls: { ca_file: ca } };
    await using gateway = await startGateway({ zitadel, config: CONFIG });
    using client = new Client(gateway);
    assert.equal(await client.ask(), 'tls');
  }
  assert.deepEqual([...new Set(names)], [NAME]);
});
