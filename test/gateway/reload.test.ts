// A reload: the new generation is compiled before the swap, exchanges in flight end on theirs, and a bad one changes nothing.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

const hostOf = (url: string): string => new URL(url).host;

async function status(session: http2.ClientHttp2Session, path: string): Promise<number> {
  const stream = session.request({ ':path': path });
  stream.resume();
  return new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status']!)));
}

test('an exchange in flight ends on the generation that it began with, on the same connection', async () => {
  await using zitadel = await startStandIn();
  await using gateway = await startGateway({
    zitadel: hostOf(zitadel.url),
    config: { routes: [{ name: 'demo', paths: ['/demo/*'] }] },
  });
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  const events = session.request({ ':path': '/demo/sse?n=3&ms=50' });
  await new Promise((resolve) => events.once('response', resolve));
  const { preset, ...rest } = gateway.config;
  await gateway.primary.reload({ ...rest, preset, routes: [] });
  assert.equal(await status(session, '/demo/echo'), 404);
  let text = '';
  for await (const chunk of events) text += chunk;
  assert.equal(text.match(/^data:/gm)?.length, 3);
  session.close();
});

test('sessions to an upstream that did not change live on', async () => {
  await using zitadel = await startStandIn();
  await using gateway = await startGateway({ zitadel: hostOf(zitadel.url) });
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  assert.equal(await status(session, '/admin/v1/healthz'), 200);
  const before = zitadel.sessions;
  await gateway.primary.reload({ ...gateway.config, trace_context: 'drop' });
  assert.equal(await status(session, '/admin/v1/healthz'), 200);
  assert.equal(zitadel.sessions, before);
  session.close();
});

test('sessions to an upstream that is gone from the config are closed when their streams are done', async () => {
  await using one = await startStandIn();
  await using two = await startStandIn();
  await using gateway = await startGateway({ zitadel: hostOf(one.url) });
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  assert.equal(await status(session, '/admin/v1/healthz'), 200);
  const upstream = { ...gateway.config.upstreams.zitadel!, endpoints: [hostOf(two.url)] };
  await gateway.primary.reload({ ...gateway.config, upstreams: { zitadel: upstream } });
  assert.equal(await status(session, '/admin/v1/healthz'), 200);
  await gateway.announcement('session_closed', ({ endpoint }) => endpoint === hostOf(one.url));
  session.close();
});

test('what a reload cannot change is refused by name, and the gateway goes on as it was', async () => {
  await using zitadel = await startStandIn();
  await using gateway = await startGateway({ zitadel: hostOf(zitadel.url) });
  const { limits } = gateway.config;
  const more = { ...limits, max_connections: limits.max_connections + 1 };
  await assert.rejects(
    gateway.primary.reload({ ...gateway.config, limits: more }),
    /limits\.max_connections: .*restart/,
  );
  await assert.rejects(gateway.primary.reload({ ...gateway.config, workers: 1 }), /workers: .*restart/);
  await assert.rejects(
    gateway.primary.reload({ ...gateway.config, worker_heap_bytes: 2 ** 30 }),
    /worker_heap_bytes: .*restart/,
  );
  const { tickets } = gateway.config.tls;
  const other = { ...gateway.config.tls, tickets: { ...tickets, rotate_ms: tickets.rotate_ms + 1000 } };
  await assert.rejects(gateway.primary.reload({ ...gateway.config, tls: other }), /^Error: tls: .*restart/);
  assert.match((await gateway.announcement('reload_failed')).problems, /limits/);
  assert.match(JSON.stringify(gateway.primary.ready().details), /rejected_reload/);
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  assert.equal(await status(session, '/admin/v1/healthz'), 200);
  session.close();
});

test('an endpoint that came up after the start counts as reachable with its first answer, and not after a refused connection', async () => {
  await using gateway = await startGateway({ zitadel: '127.0.0.1:1' });
  const unreachable = (): unknown => gateway.primary.ready().details.unreachable_upstreams;
  await until(() => gateway.primary.ready().ok);
  assert.deepEqual(unreachable(), ['zitadel']);
  await using zitadel = await startStandIn();
  const upstream = { ...gateway.config.upstreams.zitadel!, endpoints: [hostOf(zitadel.url)] };
  await gateway.primary.reload({ ...gateway.config, upstreams: { zitadel: upstream } });
  const session = http2.connect(gateway.url, { ca: gateway.ca });
  assert.equal(await status(session, '/admin/v1/healthz'), 200);
  assert.deepEqual(unreachable(), []);
  await zitadel.close();
  assert.equal(await status(session, '/admin/v1/healthz'), 502);
  assert.deepEqual(unreachable(), ['zitadel']);
  session.close();
});
