// A reload that changes listeners: what did not change is not touched, what is new is bound before anything changes.
// Harm: a listener that is closed and bound again refuses whoever comes in between.
import assert from 'node:assert/strict';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { connectRaw } from '../support/h1-raw.ts';
import { connectFrames, Flag, FrameType } from '../support/h2-frames.ts';
import { until } from '../support/until.ts';

const GET: [string, string][] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'localhost'],
  [':path', '/nobody-serves-this'],
];

async function started(
  config: Parameters<typeof startGateway>[0] = {},
): Promise<AsyncDisposable & { gateway: TestGateway }> {
  const zitadel = await startStandIn();
  const gateway = await startGateway({ zitadel: new URL(zitadel.url).host, ...config });
  return {
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await zitadel.close();
    },
  };
}

const listenersOf = (gateway: TestGateway): Config['listeners'] => gateway.primary.config.listeners;
const clear = (gateway: TestGateway) => listenersOf(gateway).find(({ name }) => name === 'clear')!;

async function statusOf(port: number): Promise<number | undefined> {
  using client = await connectRaw(port);
  client.request('GET /nobody-serves-this HTTP/1.1', 'host: localhost');
  return (await client.answer())?.status;
}

for (const workers of [0, 1]) {
  const where = workers === 0 ? 'in one thread' : 'with a worker';

  test(`${where}: a listener that is new serves, and connections of one that did not change live on`, async () => {
    await using run = await started({ config: { workers } });
    const { gateway } = run;
    const port = gateway.port('clear');
    using before = await connectRaw(port);
    const ask = async (): Promise<string | undefined> => {
      before.request('GET /nobody-serves-this HTTP/1.1', 'host: localhost');
      return (await before.answer())?.header('connection');
    };
    assert.notEqual(await ask(), 'close');
    const more = { ...clear(gateway), name: 'more' };
    await gateway.primary.reload({ ...gateway.primary.config, listeners: [...listenersOf(gateway), more] });
    assert.equal(await statusOf(gateway.port('more')), 404);
    assert.equal(gateway.port('clear'), port);
    assert.notEqual(await ask(), 'close');
  });

  test(`${where}: a listener that is gone accepts no more; who is connected is answered, and asked to go`, async () => {
    await using run = await started({ config: { workers } });
    const { gateway } = run;
    const port = gateway.port('clear');
    using h1 = await connectRaw(port);
    h1.request('GET /nobody-serves-this HTTP/1.1', 'host: localhost');
    assert.equal((await h1.answer())?.status, 404);
    using h2 = await connectFrames(port);
    h2.headers(1, GET, Flag.END_STREAM);
    await h2.finished(1);
    await gateway.primary.reload({ ...gateway.primary.config, listeners: listenersOf(gateway).slice(0, 1) });
    await assert.rejects(connectRaw(port), /ECONNREFUSED/);
    assert.ok(await h2.next(({ type }) => type === FrameType.GOAWAY));
    h1.request('GET /nobody-serves-this HTTP/1.1', 'host: localhost');
    const last = await h1.answer();
    assert.deepEqual([last?.status, last?.header('connection')], [404, 'close']);
    assert.equal(gateway.primary.ready().ok, true);
  });

  test(`${where}: other limits hold for new connections, on the same socket`, async () => {
    await using run = await started({ config: { workers } });
    const { gateway } = run;
    const port = gateway.port('clear');
    const limits = { ...gateway.config.limits, max_header_count: 16 };
    await gateway.primary.reload({ ...gateway.primary.config, limits });
    assert.equal(gateway.port('clear'), port);
    using client = await connectRaw(port);
    const many = Array.from({ length: 40 }, (_, at) => `x-${at}: 1`);
    client.request('GET / HTTP/1.1', 'host: localhost', ...many);
    assert.equal((await client.answer())?.status, 431);
  });
}

test('a listener that gets TLS keeps its socket: nobody is refused', async () => {
  await using run = await started();
  const { gateway } = run;
  const port = gateway.port('clear');
  const secure = { ...clear(gateway), tls: listenersOf(gateway)[0]!.tls! };
  await gateway.primary.reload({ ...gateway.primary.config, listeners: [listenersOf(gateway)[0]!, secure] });
  assert.equal(gateway.port('clear'), port);
  using client = await connectFrames(port, { ca: gateway.ca });
  client.headers(1, GET, Flag.END_STREAM);
  assert.ok((await client.finished(1)).at(-1)?.includes('END_STREAM'));
});

test('an address that cannot be bound changes nothing, and is named', async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((done) => taken.once('listening', done));
  const { port } = taken.address() as AddressInfo;
  await using run = await started();
  const { gateway } = run;
  const before = gateway.port('clear');
  const more = { ...clear(gateway), name: 'more', address: `127.0.0.1:${port}` };
  const { primary } = gateway;
  const free = { ...clear(gateway), name: 'free' };
  const listeners = [listenersOf(gateway)[0]!, free, more];
  await assert.rejects(primary.reload({ ...primary.config, listeners }), /listener more: .* is taken/);
  assert.equal(primary.generation.id, 1);
  assert.equal(gateway.port('clear'), before);
  assert.equal(await statusOf(before), 404);
  assert.throws(() => gateway.port('free'));
});

test('a budget of addresses that a reload changes holds at once', async () => {
  await using run = await started({ config: { limiter: { untrusted_private_peers: 'enforce' } } as never });
  const { gateway } = run;
  const { limits } = gateway.config;
  const per_address = { ...limits.per_address, open_connections: 1 };
  await gateway.primary.reload({ ...gateway.primary.config, limits: { ...limits, per_address } });
  using one = await connectRaw(gateway.port('clear'));
  one.request('GET /nobody-serves-this HTTP/1.1', 'host: localhost');
  assert.equal((await one.answer())?.status, 404);
  using _two = await connectRaw(gateway.port('clear'));
  const ended = await gateway.announcement('connection_ended', ({ limit }) => limit?.includes('per_address') === true);
  assert.equal(ended.limit, 'limits.per_address.open_connections');
});

test('drain turns readiness off and asks clients of HTTP/1.1 to go, serves on, and can be called off', async () => {
  await using run = await started();
  const { gateway } = run;
  const connection = async (): Promise<string | undefined> => {
    using client = await connectRaw(gateway.port('clear'));
    client.request('GET /nobody-serves-this HTTP/1.1', 'host: localhost');
    return (await client.answer())?.header('connection');
  };
  await until(() => gateway.primary.ready().ok);
  gateway.primary.drain(true);
  assert.equal(gateway.primary.ready().ok, false);
  assert.equal(await connection(), 'close');
  gateway.primary.drain(false);
  assert.equal(gateway.primary.ready().ok, true);
  assert.notEqual(await connection(), 'close');
});
