// Which host a request is for: RFC 9112 section 3.2, RFC 9113 section 8.3.1.
// Harm: ZITADEL finds the instance by the host; where the gateway reads another host than ZITADEL does, rules by host are
// passed, and Fastify itself prefers `host` to `:authority`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, PROTOCOLS } from '../support/ask.ts';
import { startGateway } from '../support/gateway.ts';
import { connectRaw } from '../support/h1-raw.ts';
import { connectFrames, Flag } from '../support/h2-frames.ts';
import { served } from '../support/served.ts';

const { gateway, zitadel } = await served();

async function overH1(...lines: string[]) {
  using client = await connectRaw(gateway.port('clear'));
  client.request(...lines);
  const answer = await client.answer();
  return { status: answer?.status, message: JSON.parse(answer?.body.toString() || '{}').message as string | undefined };
}
const HOST_PROBLEM = { status: 400, message: 'The Host of the request is missing, malformed or contradictory.' };

test('http/1.1: several Host fields are refused, also where they are equal', async () => {
  assert.deepEqual(await overH1('GET /saml/v2/metadata HTTP/1.1', 'Host: a.example', 'Host: b.example'), HOST_PROBLEM);
  assert.deepEqual(await overH1('GET /saml/v2/metadata HTTP/1.1', 'Host: a.example', 'Host: a.example'), HOST_PROBLEM);
});

test('http/1.1: no Host and an empty Host are refused', async () => {
  assert.deepEqual(await overH1('GET /saml/v2/metadata HTTP/1.1', 'x: y'), HOST_PROBLEM);
  assert.deepEqual(await overH1('GET /saml/v2/metadata HTTP/1.1', 'Host:'), HOST_PROBLEM);
  assert.deepEqual(await overH1('GET /saml/v2/metadata HTTP/1.0'), HOST_PROBLEM);
});

test('http/1.1: an absolute target whose authority is that of Host goes on in origin-form', async () => {
  for (const [absolute, target] of [
    ['http://a.example:8443/auth/v1/healthz?abs=1', '/auth/v1/healthz?abs=1'],
    ['HTTPS://A.example:8443/auth/v1/healthz?abs=2', '/auth/v1/healthz?abs=2'],
  ] as const) {
    assert.equal((await overH1(`GET ${absolute} HTTP/1.1`, 'Host: a.example:8443')).status, 200);
    const record = await zitadel.waitFor((one) => one.target === target);
    assert.equal(record.authority, 'a.example:8443');
  }
});

test('http/1.1: an absolute target that names another host, a user, or no Host beside it is refused', async () => {
  assert.deepEqual(await overH1('GET http://b.example/saml/v2/metadata HTTP/1.1', 'Host: a.example'), HOST_PROBLEM);
  assert.deepEqual(await overH1('GET http://u:p@a.example/saml/v2/metadata HTTP/1.1', 'Host: a.example'), HOST_PROBLEM);
  assert.deepEqual(await overH1('GET http://a.example:80/saml/v2/metadata HTTP/1.1', 'Host: a.example'), HOST_PROBLEM);
  assert.deepEqual(await overH1('GET http://a.example/saml/v2/metadata HTTP/1.1', 'x: y'), HOST_PROBLEM);
});

test('http/1.1: an absolute target without a path means the root', async () => {
  assert.equal((await overH1('GET http://a.example?abs=3 HTTP/1.1', 'Host: a.example')).status, 302);
  await zitadel.waitFor((one) => one.target === '/?abs=3');
});

async function overH2(fields: readonly (readonly [string, string])[]) {
  const seen = gateway.ended.length;
  using client = await connectFrames(gateway.port('clear'));
  client.headers(
    1,
    [[':method', 'GET'], [':scheme', 'http'], [':path', '/saml/v2/metadata'], ...fields],
    Flag.END_STREAM,
  );
  const frames = await client.finished(1);
  if (frames.at(-1)?.startsWith('RST_STREAM')) return frames.at(-1);
  return (await gateway.over((one) => gateway.ended.indexOf(one) >= seen)).record.status;
}

test('h2: Host and :authority that agree are one host; a Host that differs is refused', async () => {
  assert.equal(
    await overH2([
      [':authority', 'a.example'],
      ['host', 'A.example'],
    ]),
    200,
  );
  assert.equal(
    await overH2([
      [':authority', 'a.example'],
      ['host', 'b.example'],
    ]),
    400,
  );
  assert.equal(
    await overH2([
      [':authority', 'a.example:443'],
      ['host', 'a.example'],
    ]),
    400,
  );
  assert.equal(
    await overH2([
      [':authority', 'a.example'],
      ['host', ''],
    ]),
    'RST_STREAM 1 code 1',
  );
});

test('h2: Host alone is the authority, and is sent as such; several are refused', async () => {
  const before = zitadel.requests.length;
  assert.equal(await overH2([['host', 'only.example']]), 200);
  const { authority } = await zitadel.waitFor((one) => zitadel.requests.indexOf(one) >= before);
  assert.equal(authority, 'only.example');
  const several = await overH2([
    ['host', 'a.example'],
    ['host', 'a.example'],
  ]);
  assert.ok(several === 400 || several === 'RST_STREAM 1 code 1', String(several));
});

test('h2: no authority at all, or two, is malformed', async () => {
  assert.equal(await overH2([]), 'RST_STREAM 1 code 1');
  assert.equal(
    await overH2([
      [':authority', 'a.example'],
      [':authority', 'b.example'],
    ]),
    'RST_STREAM 1 code 1',
  );
});

for (const protocol of PROTOCOLS) {
  for (const authority of [
    'a.example',
    'a.example.',
    'A.EXAMPLE:8443',
    '127.0.0.1',
    '[::1]',
    '[2001:db8::7]:443',
    'a_b.example',
  ]) {
    test(`${protocol}: ${authority} is a host, and arrives as it came`, async () => {
      const before = zitadel.requests.length;
      assert.equal((await ask(gateway, { protocol, target: '/saml/v2/metadata', authority })).status, 200);
      const record = await zitadel.waitFor((one) => zitadel.requests.indexOf(one) >= before);
      assert.equal(record.authority, authority);
    });
  }

  for (const authority of [
    ...['u@a.example', 'a b', 'a,b', 'a/b', 'a..b', '.a', '[::1', '[::1]x', '[g::1]', '[:::]', '::1', 'a:b'],
    ...['a:99999', 'a:1:2', 'a%2eb', "a'b", 'a;b', 'a"b', 'a?b', 'a#b', '\u00fc.example'],
  ]) {
    test(`${protocol}: ${JSON.stringify(authority)} is no host and reaches nobody`, async () => {
      const before = zitadel.requests.length;
      const { status, ended } = await ask(gateway, { protocol, target: '/saml/v2/metadata', authority });
      assert.ok(status === 400 || (protocol === 'h2' && status === undefined), String(status));
      if (ended !== undefined) assert.equal(ended.record.error?.code, 'BAD_AUTHORITY');
      assert.equal(zitadel.requests.length, before);
    });
  }

  test(`${protocol}: where hosts are listed, others get 404, whatever their port, case or final dot`, async () => {
    await using listed = await startGateway({
      zitadel: `127.0.0.1:${zitadel.port}`,
      config: { hosts: ['id.example.com', '*.apps.example.com', '[2001:db8::7]'] },
    });
    const served = [
      'id.example.com',
      'ID.example.COM:8443',
      'id.example.com.',
      'id.example.com.:443',
      'a.apps.example.com',
    ];
    for (const authority of [...served, 'a.b.apps.example.com', '[2001:DB8::7]:443']) {
      assert.equal((await ask(listed, { protocol, target: '/saml/v2/metadata', authority })).status, 200, authority);
    }
    const others = [
      'example.com',
      'xid.example.com',
      'apps.example.com',
      'apps.example.com.evil.example',
      '[2001:db8::8]',
    ];
    for (const authority of others) {
      const { status, ended } = await ask(listed, { protocol, target: '/saml/v2/metadata', authority });
      assert.equal(status, 404, authority);
      assert.equal(ended?.record.error?.code, 'UNKNOWN_HOST');
    }
  });
}
