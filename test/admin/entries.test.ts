import assert from 'node:assert/strict';
import test from 'node:test';
import { bearer, metricsOf, startAdmin, TOKEN } from './started-admin.ts';

test('/live says ok, and nothing else', async () => {
  await using admin = await startAdmin();
  const { status, text, headers } = await admin.get('/live');
  assert.deepEqual([status, text, headers['content-type']], [200, 'ok\n', 'text/plain; charset=utf-8']);
});

test('/ready says ok or not, and nothing else', async () => {
  let ok = true;
  await using admin = await startAdmin({ ready: () => ({ ok, details: { secret: 'inside' } }) });
  const yes = await admin.get('/ready');
  assert.deepEqual([yes.status, yes.text], [200, 'ok\n']);
  ok = false;
  const no = await admin.get('/ready');
  assert.deepEqual([no.status, no.text], [503, 'not ready\n']);
});

test('/ready?verbose tells an operator why', async () => {
  await using admin = await startAdmin({ ready: () => ({ ok: false, details: { waitingFor: ['listener public'] } }) });
  const { status, text } = await admin.get('/ready?verbose');
  assert.equal(status, 503);
  assert.deepEqual(JSON.parse(text), { ok: false, details: { waitingFor: ['listener public'] } });
});

test('/metrics gives what the source gives, with its media type', async () => {
  await using admin = await startAdmin();
  const { status, text, headers } = await admin.get('/metrics');
  assert.deepEqual([status, text], [200, 'gatehouse_up 1\n']);
  assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
});

test('/config, /upstreams and /certificates give JSON', async () => {
  await using admin = await startAdmin();
  assert.deepEqual(JSON.parse((await admin.get('/config')).text), { listeners: [] });
  assert.deepEqual(JSON.parse((await admin.get('/upstreams')).text), [{ name: 'zitadel' }]);
  assert.deepEqual(JSON.parse((await admin.get('/certificates')).text), [
    { listener: 'public', names: ['id.example.com'] },
  ]);
});

test('/status is for operators, and may take its time', async () => {
  await using admin = await startAdmin({ token: TOKEN });
  assert.equal((await admin.get('/status')).status, 401);
  const { status, text } = await admin.get('/status', { headers: bearer(TOKEN) });
  assert.deepEqual([status, JSON.parse(text)], [200, { ready: true }]);
});

test('/certificates is for operators', async () => {
  await using admin = await startAdmin({ token: TOKEN });
  assert.equal((await admin.get('/certificates')).status, 401);
  assert.equal((await admin.get('/certificates', { headers: bearer(TOKEN) })).status, 200);
});

test('POST /reload reads the config again', async () => {
  let reloads = 0;
  await using admin = await startAdmin({
    reload: async () => {
      reloads += 1;
    },
  });
  const { status, text } = await admin.get('/reload', { method: 'POST' });
  assert.deepEqual([status, JSON.parse(text)], [200, { ok: true }]);
  assert.equal(reloads, 1);
});

test('POST /reload with a bad config is 409 with every problem', async () => {
  await using admin = await startAdmin({
    reload: async () => {
      throw new Error('gateway.yaml:3:5 a\ngateway.yaml:9:1 b\n');
    },
  });
  const { status, text } = await admin.get('/reload', { method: 'POST' });
  assert.equal(status, 409);
  assert.deepEqual(JSON.parse(text), { ok: false, problems: ['gateway.yaml:3:5 a', 'gateway.yaml:9:1 b'] });
});

test('POST /reload takes any body and any media type, and looks at none', async () => {
  await using admin = await startAdmin({ reload: async () => {} });
  for (const type of ['application/json', 'text/yaml', 'application/x-www-form-urlencoded']) {
    const asked = { method: 'POST', headers: { 'content-type': type }, body: '{not json' };
    assert.equal((await admin.get('/reload', asked)).status, 200);
  }
});

test('without something to reload there is no /reload', async () => {
  await using admin = await startAdmin();
  assert.equal((await admin.get('/reload', { method: 'POST' })).status, 404);
});

test('refusals are JSON with codes of the catalogue', async () => {
  await using admin = await startAdmin({ reload: async () => {} });
  const body = 'x'.repeat(70_000);
  for (const [path, asked, status, code] of [
    ['/nothing', {}, 404, 'NO_ROUTE'],
    ['/live/', {}, 404, 'NO_ROUTE'],
    ['/reload', {}, 405, 'METHOD_NOT_ALLOWED'],
    ['/metrics', { method: 'DELETE' }, 405, 'METHOD_NOT_ALLOWED'],
    ['/%zz', {}, 400, 'BAD_PATH'],
    ['/reload', { method: 'POST', body }, 413, 'BODY_TOO_LARGE'],
    ['/live', { headers: { cookie: 'x'.repeat(20_000) } }, 431, 'HEADERS_TOO_LARGE'],
  ] as const) {
    const got = await admin.get(path, asked);
    const { error } = JSON.parse(got.text) as { error: { code: string; message: string } };
    assert.deepEqual([got.status, error.code], [status, code], `${path} ${got.text}`);
    assert.ok(error.message.length > 5);
    assert.match(got.headers['content-type']!, /^application\/json/);
  }
  assert.equal((await admin.get('/reload')).headers.allow, 'POST');
});

test('HEAD is GET without the body', async () => {
  await using admin = await startAdmin();
  const { status, text } = await admin.get('/live', { method: 'HEAD' });
  assert.deepEqual([status, text], [200, '']);
});

test('no answer may be kept, guessed at, or used by pages of other origins', async () => {
  await using admin = await startAdmin();
  for (const path of ['/live', '/config', '/nothing']) {
    const { headers } = await admin.get(path);
    assert.equal(headers['cache-control'], 'no-store', path);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
    assert.equal(headers['access-control-allow-origin'], undefined);
  }
});

test('a source that throws is a defect: told to the log, not to the client', async () => {
  const defects: unknown[] = [];
  const thrown = new TypeError('secret inside');
  await using admin = await startAdmin({
    config: () => {
      throw thrown;
    },
    onDefect: (defect) => defects.push(defect),
  });
  const { status, text } = await admin.get('/config');
  assert.equal(status, 500);
  assert.equal(JSON.parse(text).error.code, 'DEFECT');
  assert.doesNotMatch(text, /secret/);
  assert.deepEqual(defects, [thrown]);
});

test('a source that hangs costs its caller an error', async () => {
  await using admin = await startAdmin({
    metrics: metricsOf(() => new Promise(() => {})),
    answerTimeoutMs: 20,
  });
  const { status, text } = await admin.get('/metrics');
  assert.equal(status, 504);
  assert.equal(JSON.parse(text).error.code, 'DEADLINE_EXCEEDED');
});

test('/limits tells how full the tables are, and the hottest keys, as many as are asked for', async () => {
  await using admin = await startAdmin();
  assert.deepEqual(JSON.parse((await admin.get('/limits')).text), {
    rates: { used: 1, capacity: 1024, overflows: 0 },
    hottest_keys: [{ rule: 'login', key: '192.0.2.1', taken: 9 }],
  });
  assert.deepEqual(JSON.parse((await admin.get('/limits?n=0')).text).hottest_keys, []);
});

test('/limits does not list without end: a number above 1000, or none, is 400', async () => {
  await using admin = await startAdmin();
  for (const n of ['1001', '99999', '-1', 'all', '']) {
    assert.equal((await admin.get(`/limits?n=${n}`)).status, 400, n);
  }
  assert.equal((await admin.get('/limits?n=1&n=2')).status, 400, 'given twice');
});

test('/bans lists them, and DELETE lifts one', async () => {
  await using admin = await startAdmin();
  assert.deepEqual(JSON.parse((await admin.get('/bans')).text), [{ id: 'b1', rule: 'login', key: '192.0.2.1' }]);
  assert.equal((await admin.get('/bans/b1', { method: 'DELETE' })).status, 200);
  assert.equal((await admin.get('/bans/b2', { method: 'DELETE' })).status, 404);
});

test('what says who asked and who is banned is for operators only', async () => {
  await using admin = await startAdmin({ token: TOKEN });
  for (const path of ['/limits', '/bans', '/explain?url=/']) {
    assert.equal((await admin.get(path)).status, 401, path);
    assert.equal((await admin.get(path, { headers: bearer(TOKEN) })).status, 200, path);
  }
  assert.equal((await admin.get('/bans/b1', { method: 'DELETE' })).status, 401);
});

test('/explain answers in text what would become of a request', async () => {
  await using admin = await startAdmin();
  const { text, headers } = await admin.get('/explain?method=POST&url=/oauth/v2/token&ip=2001:db8::1');
  assert.equal(text, 'POST /oauth/v2/token from 2001:db8::1\n');
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
});

test('/explain says what is wrong with a question', async () => {
  await using admin = await startAdmin({
    explain: async () => {
      throw new Error('--ip nobody: expected an IPv4 or IPv6 address');
    },
  });
  assert.equal((await admin.get('/explain')).status, 400);
  const { status, text } = await admin.get('/explain?url=/&ip=nobody');
  assert.equal(status, 400);
  assert.match(JSON.parse(text).problem, /expected an IPv4 or IPv6 address/);
});
