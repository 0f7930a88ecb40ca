// Rules by address over real connections: who is refused reaches nothing, and learns nothing of what is there.
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { ask, PROTOCOLS } from '../support/ask.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { connectRaw } from '../support/h1-raw.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-rules-'));
const bans = join(folder, 'bans.txt');
const OUR_PROXY = { trusted_proxies: ['127.0.0.1/32'], hints: false };
let zitadel: StandIn;
let gateway: TestGateway;
before(async () => {
  writeFileSync(bans, '# nobody yet\n');
  zitadel = await startStandIn();
  gateway = await startGateway({
    zitadel: `127.0.0.1:${zitadel.port}`,
    config: {
      ...OUR_PROXY,
      networks: { office: { addresses: ['203.0.113.0/24', '2001:db8:1::/48'] }, bans: { file: bans } },
      ip_rules: { deny: ['198.51.100.0/24', '2001:db8:bad::/48', '@bans'] },
      routes: [
        {
          name: 'administration',
          paths: ['/admin/v1/*', '/zitadel.admin.v1.AdminService/{rpc}'],
          policies: { ip_rules: { allow: ['@office', '198.51.100.7'] } },
        },
      ],
    },
  });
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await zitadel.close();
  rmSync(folder, { recursive: true, force: true });
});

const from = (...hops: string[]) => ['x-forwarded-for', hops.join(', ')] as const;
const JSON_TYPE = ['content-type', 'application/json'] as const;
const GRPC = ['content-type', 'application/grpc'] as const;

for (const protocol of PROTOCOLS) {
  for (const address of ['198.51.100.66', '2001:db8:bad::1', '2001:0DB8:BAD:0::1', '::ffff:198.51.100.66']) {
    test(`${protocol}: ${address}, which the config denies, gets the same refusal everywhere`, async () => {
      for (const target of ['/ui/console/', '/no/such/route', '/admin/v1/orgs/_search', '/a//b', '/debug/healthz']) {
        const { ended } = await ask(gateway, { protocol, target, fields: [from(address)] });
        const { error, status, attempts } = ended!.record;
        assert.deepEqual(
          [error?.code, error?.rule, status, attempts],
          ['ADDRESS_REFUSED', 'ip_rules_global', 403, 0],
          target,
        );
      }
    });
  }

  for (const [outsider, insider] of [
    ['192.0.2.1', '203.0.113.9'],
    ['2001:db8:2::1', '2001:db8:1::9'],
  ] as const) {
    const administration = (address: string, target: string, type: readonly [string, string] = JSON_TYPE) =>
      ask(gateway, { protocol, method: 'POST', target, fields: [type, from(address)], body: '{}' });

    test(`${protocol}: a route for the office is closed to ${outsider} and open to ${insider}`, async () => {
      for (const [target, type] of [
        ['/admin/v1/orgs/_search', JSON_TYPE],
        ['/%61dmin/v1/orgs/_search', JSON_TYPE],
        ['/zitadel.admin.v1.AdminService/ListOrgs', JSON_TYPE],
        ['/zitadel.admin.v1.AdminService/ListOrgs', GRPC],
      ] as const) {
        const { error, attempts } = (await administration(outsider, target, type)).ended!.record;
        assert.deepEqual([error?.code, error?.rule, attempts], ['ADDRESS_REFUSED', 'ip_rules', 0], target);
      }
      const { record } = (await administration(insider, '/admin/v1/orgs/_search')).ended!;
      assert.deepEqual([record.error, record.attempts], [undefined, 1]);
      const other = await ask(gateway, { protocol, target: '/openapi/x', fields: [from(outsider)] });
      assert.deepEqual([other.ended!.record.error, other.ended!.record.attempts], [undefined, 1]);
    });

    test(`${protocol}: attack: ${outsider} says that it came from ${insider}, and is refused`, async () => {
      const { ended } = await ask(gateway, {
        protocol,
        target: '/admin/v1/orgs/_search',
        fields: [from(insider, outsider)],
      });
      assert.deepEqual([ended!.record.error?.code, ended!.record.error?.detail], ['ADDRESS_REFUSED', outsider]);
    });
  }

  test(`${protocol}: a route cannot let in whom the config denies`, async () => {
    const { ended } = await ask(gateway, { protocol, target: '/admin/v1/x', fields: [from('198.51.100.7')] });
    assert.equal(ended!.record.error?.rule, 'ip_rules_global');
  });

  test(`${protocol}: with \`enforce: false\` it is reported and passes`, async () => {
    await using lenient = await startGateway({
      zitadel: `127.0.0.1:${zitadel.port}`,
      config: { ...OUR_PROXY, ip_rules: { deny: ['198.51.100.0/24'], enforce: false } },
    });
    const { ended } = await ask(lenient, { protocol, target: '/ui/console/', fields: [from('198.51.100.66')] });
    assert.deepEqual([ended!.record.error, ended!.record.reported], [undefined, ['ip_rules_global']]);
    const { rule, enforced } = await lenient.announcement('refused');
    assert.deepEqual([rule, enforced], ['ip_rules_global', false]);
  });
}

test('a list that is read again holds for connections that are open', { timeout: 20_000 }, async () => {
  using client = await connectRaw(gateway.port('clear'));
  const status = async (): Promise<number | undefined> => {
    client.request('GET /ui/console/ HTTP/1.1', 'host: localhost', 'x-forwarded-for: 2001:db8:3::1');
    return (await client.answer())?.status;
  };
  assert.equal(await status(), 200);
  writeFileSync(`${bans}.new`, '2001:db8:3::/48 # since today\n');
  renameSync(`${bans}.new`, bans);
  assert.deepEqual(await gateway.announcement('list_reloaded'), { name: 'bans', file: bans, size: 1 });
  assert.equal(await status(), 403);
  writeFileSync(`${bans}.new`, 'everybody\n');
  renameSync(`${bans}.new`, bans);
  const { problem } = await gateway.announcement('list_failed');
  assert.match(problem, /bans\.txt:1: expected an address or a CIDR/);
  assert.equal(await status(), 403, 'the list before stays in use');
});

test('a list that cannot be read keeps the gateway from starting, and says which and why', async () => {
  const config = { hints: false, networks: { gone: { file: join(folder, 'gone.txt') } } };
  await assert.rejects(startGateway({ config }), /networks\.gone\.file: .*gone\.txt/);
});
