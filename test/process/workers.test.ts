// Several cores: what is counted is counted once for all workers, a worker that is lost costs its own connections and
// nothing else, and a config is in force in all of them or in none.
// Harm: a limit that is worth N times as much on N cores; half a fleet on another config; one bad request that ends all.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import tls from 'node:tls';
import { type GatewayOptions, startGateway, type TestGateway, testConfig } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { proxyHeader } from '../support/proxy-header.ts';
import { until } from '../support/until.ts';
import { DEADLY_HOST, HUNGRY, REFUSED_HOST, THROWS } from './unsound-worker.ts';

type Given = NonNullable<GatewayOptions['config']>;

const UNSOUND = new URL('./unsound-worker.ts', import.meta.url);
const HOUR = { key: ['address'], requests: 100, period_s: 3600, burst: 100 };
const LIMITED = {
  workers: 2,
  worker_heap_bytes: 96 * 1024 * 1024,
  limiter: { untrusted_private_peers: 'enforce' },
  listeners: [
    { name: 'public', address: '127.0.0.1:0', tls: { development: true } },
    { name: 'clear', address: '127.0.0.1:0', external_scheme: 'https' },
    { name: 'six', address: '[::1]:0', external_scheme: 'https' },
    { name: 'proxied', address: '127.0.0.1:0', external_scheme: 'https', proxy_protocol: true },
  ],
  trusted_proxies: ['127.0.0.2/32', '127.0.0.1/32'],
  routes: [
    { name: 'limited', paths: ['/limited'], class: 'mine', policies: { rate_limit: { limits: { all: HOUR } } } },
    { name: 'counted', paths: ['/counted'], class: 'other', policies: { rate_limit: { limits: { all: HOUR } } } },
    {
      name: 'held',
      paths: ['/held'],
      class: 'held',
      policies: { rate_limit: false, concurrency_limit: { limits: { all: { key: ['route'], max_in_flight: 10 } } } },
    },
    { name: 'free', paths: ['/free'], class: 'free', policies: { rate_limit: false } },
  ],
  limits: { per_address: { connections_per_s: 0 } },
} as unknown as Given;

interface Client {
  readonly session: http2.ClientHttp2Session;
  status(path: string): Promise<number>;
}

/** Those of the test that runs. */
const sessions: http2.ClientHttp2Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

function connect(url: string, gateway: TestGateway): Client {
  const session = http2.connect(url, { ca: gateway.ca });
  session.on('error', () => {});
  sessions.push(session);
  return {
    session,
    async status(path) {
      const stream = session.request({ ':path': path });
      stream.resume();
      const { promise, resolve } = Promise.withResolvers<number>();
      let status = 0;
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('error', () => {});
      stream.on('close', () => resolve(status));
      return promise;
    },
  };
}

const workersOf = (gateway: TestGateway) => gateway.primary.workers!;
const placesUsed = (gateway: TestGateway): number => gateway.primary.generation.services.occupancies().places!.used;
const count = (list: readonly number[], wanted: number): number => list.filter((one) => one === wanted).length;

describe('two workers', () => {
  let origin: Origin;
  let gateway: TestGateway;
  before(async () => {
    origin = await startOrigin('h2c');
    origin.play = (asked) => {
      if (asked.target !== '/held') asked.answer(200, {}, 'here');
    };
    gateway = await startGateway({ zitadel: origin.address, config: LIMITED, workerScript: UNSOUND });
  });
  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
  });

  /** What other tests had open is closed, and what they had lost is back. */
  const calm = (): Promise<void> =>
    until(() => {
      const { serving } = workersOf(gateway);
      return serving.length === 2 && serving.every((thread) => workersOf(gateway).connectionsOf(thread) === 0);
    });
  beforeEach(calm);
  let routes = 0;
  /** A config with one more route than any before. */
  const another = () => {
    routes += 1;
    const route = { name: `new-${routes}`, paths: ['/new'], class: 'free' };
    return testConfig({
      zitadel: origin.address,
      config: { ...LIMITED, routes: [...(LIMITED.routes ?? []), route] } as Given,
    });
  };
  /** What of this name is announced from now on, by another test nothing. */
  function following(name: 'worker_lost' | 'worker_started'): () => { worker: number; problem?: string } | undefined {
    const all = () => gateway.announced.filter((one) => one.name === name);
    const before = all().length;
    return () => all()[before]?.payload as { worker: number; problem?: string } | undefined;
  }

  test('take turns: twenty connections are ten and ten', async () => {
    const clients = Array.from({ length: 20 }, (_, i) => connect(i % 2 ? gateway.url : gateway.clearUrl, gateway));
    assert.deepEqual(new Set(await Promise.all(clients.map((client) => client.status('/free')))), new Set([200]));
    assert.deepEqual(
      workersOf(gateway).serving.map((thread) => workersOf(gateway).connectionsOf(thread)),
      [10, 10],
    );
    for (const { session } of clients) session.destroy();
  });

  test('admit 100 of 300 requests with a limit of 100, over connections to both', async () => {
    const clients = Array.from({ length: 10 }, () => connect(gateway.clearUrl, gateway));
    // Each connection says its own address by its proxy's word no more than by its own: all are one client.
    const statuses = await Promise.all(
      clients.flatMap((client) => Array.from({ length: 30 }, () => client.status('/limited'))),
    );
    assert.deepEqual([count(statuses, 200), count(statuses, 429)], [100, 200]);
    for (const { session } of clients) session.destroy();
  });

  test('share places, and the places of a worker that is lost are free again', async () => {
    const clients = Array.from({ length: 4 }, () => connect(gateway.clearUrl, gateway));
    const held = origin.asked.filter(({ target }) => target === '/held').length;
    let refused = 0;
    const open = clients.flatMap((client) =>
      Array.from({ length: 5 }, async () => {
        const status = await client.status('/held');
        if (status === 429) refused += 1;
        return status;
      }),
    );
    await until(() => refused === 10);
    await until(() => origin.asked.filter(({ target }) => target === '/held').length === held + 10);
    const [lost, begun] = [following('worker_lost'), following('worker_started')];
    await workersOf(gateway).serving[0]!.kill();
    await until(() => lost() !== undefined && begun() !== undefined);
    assert.deepEqual([lost()!.worker, begun()!.worker], [1, 1]);
    for (const asked of origin.asked) if (asked.target === '/held') asked.answer(200);
    const statuses = await Promise.all(open);
    // Ten were held: those of the other worker were answered, those of the lost one cut. The rest was refused at once.
    assert.deepEqual([count(statuses, 200) + count(statuses, 0), count(statuses, 429)], [10, 10]);
    assert.equal(workersOf(gateway).serving.length, 2);
    // A client has its answer a moment before its place is given back.
    await until(() => placesUsed(gateway) === 0);
    const again = Array.from({ length: 4 }, () => connect(gateway.clearUrl, gateway));
    const asked = origin.asked.length;
    const later = again.flatMap((client) => Array.from({ length: 5 }, () => client.status('/held')));
    await until(() => origin.asked.length === asked + 10);
    for (const one of origin.asked.slice(asked)) one.answer(200);
    const after = await Promise.all(later);
    assert.deepEqual([count(after, 200), after.length], [10, 20]);
    for (const { session } of [...clients, ...again]) session.destroy();
  });

  test('a worker that throws where nobody catches it is replaced at its turn; what it serves may end', async () => {
    const clients = Array.from({ length: 2 }, () => connect(gateway.clearUrl, gateway));
    const asked = origin.asked.length;
    const open = clients.map((client) => client.status('/held'));
    await until(() => origin.asked.length === asked + 2);
    const [lost, begun] = [following('worker_lost'), following('worker_started')];
    const [thread] = workersOf(gateway).serving;
    await thread!.ask('hottest_keys', THROWS, 1000);
    await until(() => thread!.status !== 'serving');
    for (const one of origin.asked.slice(asked)) one.answer(200);
    assert.deepEqual(await Promise.all(open), [200, 200]);
    for (const { session } of clients) session.close();
    await until(() => begun() !== undefined);
    assert.match(lost()!.problem!, /thrown by a test/);
  });

  test('a config that one of them refuses is in force in none', async () => {
    const { generation } = gateway.primary;
    const refused = gateway.primary.reload(
      testConfig({ zitadel: origin.address, config: { ...LIMITED, hosts: [REFUSED_HOST] } }),
    );
    await assert.rejects(refused, /refused by a test/);
    assert.equal(gateway.primary.generation.id, generation.id);
    const client = connect(gateway.clearUrl, gateway);
    assert.equal(await client.status('/free'), 200);
    client.session.destroy();
    assert.match(String(gateway.primary.ready().details.rejected_reload), /refused by a test/);
  });

  test('a config that one of them does not survive is in force in none', async () => {
    const { id } = gateway.primary.generation;
    const refused = gateway.primary.reload(
      testConfig({ zitadel: origin.address, config: { ...LIMITED, hosts: [DEADLY_HOST] } }),
    );
    await assert.rejects(refused, /worker 2/);
    assert.equal(gateway.primary.generation.id, id);
    await until(() => workersOf(gateway).serving.length === 2);
  });

  test('a config that all take is in force in all, and what was counted stays counted', async () => {
    const first = connect(gateway.clearUrl, gateway);
    await Promise.all(Array.from({ length: 100 }, () => first.status('/counted')));
    await gateway.primary.reload(another());
    const clients = Array.from({ length: 4 }, () => connect(gateway.clearUrl, gateway));
    assert.deepEqual(await Promise.all(clients.map((client) => client.status('/counted'))), [429, 429, 429, 429]);
    assert.equal(gateway.primary.ready().details.rejected_reload, undefined);
    for (const { session } of [first, ...clients]) session.destroy();
  });

  test('a worker that begins after a reload has the new config', async () => {
    const { id } = gateway.primary.generation;
    await gateway.primary.reload(another());
    assert.equal(gateway.primary.generation.id, id + 1);
    const begun = following('worker_started');
    await workersOf(gateway).serving[1]!.kill();
    await until(() => begun() !== undefined);
    assert.deepEqual(
      workersOf(gateway).serving.map((thread) => thread.generation),
      [gateway.primary.generation.id, gateway.primary.generation.id],
    );
  });

  test('resume each other’s TLS sessions', async () => {
    const resumed = await resumptions(gateway);
    assert.deepEqual(new Set(resumed), new Set([true]));
  });

  test('serve IPv6, HTTP/1.1, and connections behind a load balancer that names their address', async () => {
    const answers = await Promise.all([
      ...['::1', '::1'].map((host) => oneRequest(gateway.port('six'), host)),
      ...['192.0.2.1', '192.0.2.2'].map((of) => oneRequest(gateway.port('proxied'), '127.0.0.1', proxyHeader(2, of))),
      oneRequest(gateway.port('clear'), '127.0.0.1'),
    ]);
    for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200 /);
  });

  test('a worker that runs out of memory ends alone', async () => {
    const lost = following('worker_lost');
    const client = connect(gateway.clearUrl, gateway);
    const other = connect(gateway.clearUrl, gateway);
    assert.deepEqual(await Promise.all([client.status('/free'), other.status('/free')]), [200, 200]);
    await assert.rejects(workersOf(gateway).serving[0]!.ask('hottest_keys', HUNGRY, 60_000));
    await until(() => lost() !== undefined);
    // One of the two connections was its own.
    await until(() => client.session.destroyed || other.session.destroyed);
    const left = client.session.destroyed ? other : client;
    assert.equal(await left.status('/free'), 200);
    for (const { session } of [client, other]) session.destroy();
  });
});

/** Asks for a session once, then again and again with its ticket. */
async function resumptions(gateway: TestGateway): Promise<boolean[]> {
  const options = { port: gateway.port('public'), host: '127.0.0.1', ca: gateway.ca, servername: 'localhost' };
  const first = tls.connect({ ...options, ALPNProtocols: ['http/1.1'] });
  const tickets: Buffer[] = [];
  first.on('session', (ticket: Buffer) => tickets.push(ticket));
  await once(first, 'secureConnect');
  await until(() => tickets.length === 2);
  first.destroy();
  const resumed: boolean[] = [];
  // As many as make sure that both workers are asked.
  const open: tls.TLSSocket[] = [];
  for (let i = 0; i < 4; i += 1) {
    const socket = tls.connect({ ...options, ALPNProtocols: ['http/1.1'], session: tickets[1]! });
    open.push(socket);
    await once(socket, 'secureConnect');
    resumed.push(socket.isSessionReused());
  }
  for (const socket of open) socket.destroy();
  return resumed;
}

/** A request in one write, its PROXY header before it; gives all that comes back. */
async function oneRequest(port: number, host: string, header?: Buffer): Promise<string> {
  const socket = net.connect(port, host);
  const request = 'GET /free HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  socket.write(Buffer.concat([header ?? Buffer.alloc(0), Buffer.from(request)]));
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

test('what an exchange began before the end of the gateway is finished by its worker', async () => {
  await using origin = await startOrigin('h2c');
  origin.play = () => {};
  const gateway = await startGateway({ zitadel: origin.address, config: LIMITED });
  const clients = Array.from({ length: 2 }, () => connect(gateway.clearUrl, gateway));
  const open = clients.map((client) => client.status('/held'));
  await origin.nth(1);
  const stopped = gateway.primary.stop('test', { drainDelayMs: 0, timeoutMs: 10_000 });
  await Promise.all(clients.map(({ session }) => once(session, 'goaway')));
  for (const asked of origin.asked) asked.answer(200);
  assert.deepEqual(await Promise.all(open), [200, 200]);
  await stopped;
});

test('the only worker is lost: who connects meanwhile waits, and is served; max_connections holds in all', async () => {
  await using origin = await startOrigin('h2c');
  origin.play = (asked) => asked.answer(200, {}, 'here');
  await using gateway = await startGateway({
    zitadel: origin.address,
    config: { ...LIMITED, workers: 1, limits: { max_connections: 2, per_address: { connections_per_s: 0 } } } as Given,
  });
  await workersOf(gateway).serving[0]!.kill();
  assert.equal(gateway.primary.ready().ok, false);
  const clients = Array.from({ length: 2 }, () => connect(gateway.clearUrl, gateway));
  assert.deepEqual(await Promise.all(clients.map((client) => client.status('/free'))), [200, 200]);
  assert.deepEqual(gateway.primary.ready().details.workers, { wanted: 1, serving: 1 });
  const third = connect(gateway.clearUrl, gateway);
  const { limit, listener } = await gateway.announcement('connection_ended', (ended) => ended.limit !== undefined);
  assert.deepEqual([limit, listener], ['limits.max_connections', 'clear']);
  for (const { session } of [...clients, third]) session.destroy();
});
