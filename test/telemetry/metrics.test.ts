import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/core/errors.ts';
import { Events } from '../../src/core/events.ts';
import { createMetrics, type MetricsOptions } from '../../src/telemetry/metrics.ts';
import { endedExchange, type Wanted } from './exchange.ts';

const quiet = { percentile: () => 0, max: 0, count: 0, reset() {} };

function setUp(options: Partial<MetricsOptions> = {}) {
  const events = new Events();
  const metrics = createMetrics(events, { version: '1.2.3', loopDelay: quiet, ...options });
  return {
    events,
    metrics,
    end: (wanted: Wanted = {}) => events.emit('exchange', endedExchange(wanted)),
    /** The lines of one metric, without its name, sorted. */
    async lines(name: string): Promise<string[]> {
      const text = await metrics.text();
      return text
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
        .map((line) => line.slice(name.length).trim())
        .sort();
    },
  };
}

test('requests are counted by route, dialect, status and grpc-status', async () => {
  const { end, lines } = setUp();
  end();
  end();
  end({ record: { status: 404 } });
  end({ dialect: 'grpc', route: 'rpc', record: { grpcStatus: '16' } });
  end({ dialect: 'grpc', route: 'rpc', record: { grpcStatus: '0' } });
  assert.deepEqual(await lines('gatehouse_requests_total'), [
    '{route="jwks",dialect="http",status="200",grpc_status=""} 2',
    '{route="jwks",dialect="http",status="404",grpc_status=""} 1',
    '{route="rpc",dialect="grpc",status="200",grpc_status="0"} 1',
    '{route="rpc",dialect="grpc",status="200",grpc_status="16"} 1',
  ]);
});

test('what an upstream invents adds no label values', async () => {
  const { end, lines, events } = setUp();
  for (let i = 0; i < 5000; i += 1) {
    end({ record: { status: 1000 + i, grpcStatus: `made-up-${i}` } });
    events.emit('attempt_failed', { upstream: 'zitadel', endpoint: 'e', code: `CODE_${i}`, replayed: false });
    events.emit('connection_ended', { listener: 'public', reason: `reason ${i}` });
  }
  assert.deepEqual(await lines('gatehouse_requests_total'), [
    '{route="jwks",dialect="http",status="other",grpc_status="other"} 5000',
  ]);
  assert.deepEqual(await lines('gatehouse_upstream_errors_total'), [
    '{upstream="zitadel",endpoint="e",code="other",replayed="false"} 5000',
  ]);
  assert.equal((await lines('gatehouse_connections_ended_total')).length, 101);
});

test('endpoints and routes that come and go for months are bounded too', async () => {
  const { end, lines } = setUp();
  for (let i = 0; i < 1500; i += 1) end({ route: `route-${i}`, record: { endpoint: `10.0.0.${i}:8080` } });
  assert.equal((await lines('gatehouse_requests_total')).length, 1001);
  const attempts = await lines('gatehouse_upstream_attempts_total');
  assert.equal(attempts.length, 1001);
  assert.ok(attempts.includes('{upstream="zitadel",endpoint="other"} 500'));
});

test('durations are seconds, by route and dialect', async () => {
  const { end, lines } = setUp();
  end({ record: { started: 1000, closed: 1030 } });
  end({ record: { started: 1000, closed: 3000 } });
  assert.deepEqual(await lines('gatehouse_request_duration_seconds_sum'), ['{route="jwks",dialect="http"} 2.03']);
  const buckets = await lines('gatehouse_request_duration_seconds_bucket');
  assert.ok(buckets.includes('{le="0.025",route="jwks",dialect="http"} 0'));
  assert.ok(buckets.includes('{le="0.05",route="jwks",dialect="http"} 1'));
  assert.ok(buckets.includes('{le="2.5",route="jwks",dialect="http"} 2'));
  assert.deepEqual(await lines('gatehouse_upstream_duration_seconds_count'), ['{upstream="zitadel"} 2']);
});

test('bytes are counted both ways', async () => {
  const { end, lines } = setUp();
  end({ record: { bytesIn: 5, bytesOut: 700 } });
  end({ record: { bytesIn: 6, bytesOut: 0 } });
  assert.deepEqual(await lines('gatehouse_request_bytes_total'), ['{route="jwks",dialect="http"} 11']);
  assert.deepEqual(await lines('gatehouse_answer_bytes_total'), ['{route="jwks",dialect="http"} 700']);
});

test('refusals and failures are counted by their code; a client that left early has the status of the catalogue', async () => {
  const { end, lines } = setUp();
  end({ record: { status: 0, error: new GatewayError('CLIENT_LEFT'), endpoint: undefined, attempts: 0 } });
  assert.deepEqual(await lines('gatehouse_errors_total'), ['{route="jwks",code="CLIENT_LEFT",source="client"} 1']);
  assert.deepEqual(await lines('gatehouse_requests_total'), [
    '{route="jwks",dialect="http",status="499",grpc_status=""} 1',
  ]);
  assert.deepEqual(await lines('gatehouse_upstream_attempts_total'), []);
});

test('a request that is sent again is an attempt on both endpoints, and an error on the first', async () => {
  const { events, end, lines } = setUp();
  events.emit('attempt_failed', { upstream: 'zitadel', endpoint: 'a', code: 'UPSTREAM_REFUSED', replayed: true });
  end({ record: { endpoint: 'b', attempts: 2 } });
  assert.deepEqual(await lines('gatehouse_upstream_attempts_total'), [
    '{upstream="zitadel",endpoint="a"} 1',
    '{upstream="zitadel",endpoint="b"} 1',
  ]);
  assert.deepEqual(await lines('gatehouse_upstream_errors_total'), [
    '{upstream="zitadel",endpoint="a",code="UPSTREAM_REFUSED",replayed="true"} 1',
  ]);
});

test('connections are counted as they come, and as they are now', async () => {
  const { events, lines } = setUp();
  events.emit('connection_opened', { listener: 'public', protocol: 'h2', tlsVersion: 'TLSv1.3' });
  events.emit('connection_opened', { listener: 'public', protocol: 'h2', tlsVersion: 'TLSv1.2' });
  events.emit('connection_opened', { listener: 'plain', protocol: 'http/1.1', tlsVersion: undefined });
  events.emit('connection_closed', { listener: 'public', protocol: 'h2' });
  events.emit('connection_ended', {
    listener: 'public',
    reason: 'too many connections',
    limit: 'limits.max_connections',
  });
  assert.deepEqual(await lines('gatehouse_connections_total'), [
    '{listener="plain",protocol="http/1.1",tls=""} 1',
    '{listener="public",protocol="h2",tls="TLSv1.2"} 1',
    '{listener="public",protocol="h2",tls="TLSv1.3"} 1',
  ]);
  assert.deepEqual(await lines('gatehouse_connections_open'), [
    '{listener="plain",protocol="http/1.1"} 1',
    '{listener="public",protocol="h2"} 1',
  ]);
  assert.deepEqual(await lines('gatehouse_connections_ended_total'), [
    '{listener="public",reason="too many connections",limit="limits.max_connections"} 1',
  ]);
});

test('sessions are counted by upstream and endpoint', async () => {
  const { events, lines } = setUp();
  events.emit('session_opened', { upstream: 'zitadel', endpoint: 'a', session: 1 });
  events.emit('session_opened', { upstream: 'zitadel', endpoint: 'a', session: 2 });
  events.emit('session_closed', { upstream: 'zitadel', endpoint: 'a', session: 1, reason: 'goaway' });
  assert.deepEqual(await lines('gatehouse_sessions_open'), ['{upstream="zitadel",endpoint="a"} 1']);
  assert.deepEqual(await lines('gatehouse_sessions_total'), ['{upstream="zitadel",endpoint="a"} 2']);
  assert.deepEqual(await lines('gatehouse_sessions_closed_total'), [
    '{upstream="zitadel",endpoint="a",reason="goaway"} 1',
  ]);
});

test('reloads, hints, warnings about proxies and the shutdown are seen', async () => {
  const { events, lines } = setUp();
  assert.deepEqual(await lines('gatehouse_config_current'), ['1']);
  events.emit('reload_failed', { problems: 'x' });
  assert.deepEqual(await lines('gatehouse_config_current'), ['0']);
  events.emit('reloaded', { generation: 7, ms: 1 });
  events.emit('hint', { topic: 'issuer', host: 'h', found: 'f', expected: 'e', key: 'k' });
  events.emit('untrusted_proxy', { peerAddress: '10.0.0.1', reason: 'private_peer', listener: 'public' });
  events.emit('draining', { signal: 'SIGTERM' });
  assert.deepEqual(await lines('gatehouse_config_current'), ['1']);
  assert.deepEqual(await lines('gatehouse_config_generation'), ['7']);
  assert.deepEqual(await lines('gatehouse_reloads_total'), ['{outcome="ok"} 1', '{outcome="refused"} 1']);
  assert.deepEqual(await lines('gatehouse_hints_total'), ['{topic="issuer"} 1']);
  assert.deepEqual(await lines('gatehouse_untrusted_proxy_total'), ['{listener="public",reason="private_peer"} 1']);
  assert.deepEqual(await lines('gatehouse_draining'), ['1']);
});

test('lost log lines are a counter, however often it is read', async () => {
  let dropped = 3;
  const { lines } = setUp({ droppedLines: () => dropped });
  assert.deepEqual(await lines('gatehouse_log_lines_dropped_total'), ['3']);
  dropped = 5;
  assert.deepEqual(await lines('gatehouse_log_lines_dropped_total'), ['5']);
});

test('streams that are open are asked for when the metrics are read', async () => {
  const { lines } = setUp({ openExchanges: () => 4, openUpstreamStreams: () => 3 });
  assert.deepEqual(await lines('gatehouse_downstream_streams_open'), ['4']);
  assert.deepEqual(await lines('gatehouse_upstream_streams_open'), ['3']);
});

test('the delay of the event loop is what exceeds the sampling interval, since the last reading', async () => {
  let resets = 0;
  const { lines } = setUp({
    loopDelay: {
      percentile: (p) => (p === 50 ? 21e6 : 45e6),
      max: 320e6,
      count: 9,
      reset: () => {
        resets += 1;
      },
    },
  });
  const values = (await lines('gatehouse_event_loop_delay_seconds')).map((line) => line.replace(/(\.\d{4})\d+$/, '$1'));
  assert.deepEqual(values, ['{quantile="0.5"} 0.0010', '{quantile="0.99"} 0.0249', '{quantile="1"} 0.3']);
  assert.equal(resets, 1);
});

test('a real event loop is measured by default, and close stops it', async () => {
  const metrics = createMetrics(new Events(), { version: '1' });
  assert.match(await metrics.text(), /gatehouse_event_loop_delay_seconds\{quantile="0\.99"\} \d/);
  metrics.close();
});

test('the build is told; CPU and memory of the process are there; nothing is in the global registry', async () => {
  const { lines, metrics } = setUp({ revision: 'abc123' });
  assert.deepEqual(await lines('gatehouse_build_info'), [
    `{version="1.2.3",node="${process.versions.node}",revision="abc123"} 1`,
  ]);
  const text = await metrics.text();
  assert.match(text, /^process_cpu_seconds_total /m);
  assert.match(text, /^process_resident_memory_bytes /m);
  assert.doesNotMatch(text, /nodejs_eventloop_lag/);
  assert.match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
  const { register } = await import('prom-client');
  assert.equal(register.getMetricsAsArray().length, 0);
});

test('every metric of ours has a help text and a name with its unit', async () => {
  const { metrics } = setUp({ droppedLines: () => 0, openExchanges: () => 0 });
  for (const { name, help, type } of await metrics.registry.getMetricsAsJSON()) {
    if (!name.startsWith('gatehouse_')) continue;
    assert.ok(help.length > 10, name);
    if (String(type) === 'counter') assert.match(name, /_total$/);
    else if (String(type) === 'histogram') assert.match(name, /_seconds$/);
    else assert.doesNotMatch(name, /_total$/);
  }
});

test('what a rule refused is counted by rule, and apart what it would have', async () => {
  const { events, lines } = setUp();
  const refused = { policy: 'rate_limit', rule: 'login-address', route: 'login-v1' };
  events.emit('refused', { ...refused, enforced: true });
  events.emit('refused', { ...refused, enforced: true });
  events.emit('refused', { ...refused, enforced: false });
  assert.deepEqual(await lines('gatehouse_refused_total'), [
    '{policy="rate_limit",rule="login-address",route="login-v1",enforced="false"} 1',
    '{policy="rate_limit",rule="login-address",route="login-v1",enforced="true"} 2',
  ]);
});

test('the tables of the limiter tell how full they are', async () => {
  const { lines } = setUp({ occupancies: () => ({ rates: { used: 7, capacity: 1024, overflows: 1 } }) });
  assert.deepEqual(await lines('gatehouse_limiter_used'), ['{table="rates"} 7']);
  assert.deepEqual(await lines('gatehouse_limiter_capacity'), ['{table="rates"} 1024']);
  assert.deepEqual(await lines('gatehouse_limiter_overflows'), ['{table="rates"} 1']);
});
