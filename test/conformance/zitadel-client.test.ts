// The SDK of ZITADEL itself through the gateway: its server transport (gRPC over HTTP/2) and its web transport (gRPC-Web
// over fetch), with the factories of the v1 and of the v2 services.
// Harm: terraform-provider-zitadel#159, zitadel-go#282 and zitadel/zitadel#10976 are what a proxy does to these.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { Code, ConnectError, type Interceptor, type Transport } from '@connectrpc/connect';
import { createServerTransport } from '@zitadel/client/node';
import { createAdminServiceClient, createAuthServiceClient, createManagementServiceClient } from '@zitadel/client/v1';
import {
  createOrganizationServiceClient,
  createSessionServiceClient,
  createSettingsServiceClient,
  createUserServiceClient,
  makeReqCtx,
} from '@zitadel/client/v2';
import { createClientTransport } from '@zitadel/client/web';
import { IDS, USERS } from '../../src/demo/state.ts';
import { startStage } from './stage.ts';

const stage = await startStage();
after(() => stage[Symbol.asyncDispose]());
const { url, clearUrl, ca } = stage.gateway;
// fetch has no CA of its own: it takes the process's.
tls.setDefaultCACertificates([...tls.getCACertificates(), ca]);

const ROAD_RUNNER = USERS[1]!;
const server = (token: string, baseUrl: string) => createServerTransport(token, { baseUrl, nodeOptions: { ca } });
const web = (token: string, baseUrl: string, interceptors: Interceptor[] = []) =>
  createClientTransport(token, { baseUrl, interceptors });

const transports: readonly (readonly [name: string, make: (token: string) => Transport])[] = [
  ['createServerTransport over TLS h2', (token) => server(token, url)],
  ['createServerTransport over h2c', (token) => server(token, clearUrl)],
  ['createClientTransport over TLS', (token) => web(token, url)],
  ['createClientTransport in the clear', (token) => web(token, clearUrl)],
];

for (const [name, make] of transports) {
  test(`${name}: v1 services answer, with the organization of the call`, async () => {
    const transport = make('t');
    assert.ok(await createAdminServiceClient(transport).healthz({}));
    const { user } = await createAuthServiceClient(transport).getMyUser({});
    assert.ok(user?.id);
    const { org } = await createManagementServiceClient(transport).getMyOrg(
      {},
      {
        headers: { 'x-zitadel-orgid': IDS.organization },
      },
    );
    assert.equal(org?.id, IDS.organization);
    const seen = stage.standIn.requests.findLast(({ path }) => path.endsWith('/GetMyOrg'))!;
    const at = seen.rawHeaders.findIndex((field) => field.toLowerCase() === 'x-zitadel-orgid');
    assert.equal(seen.rawHeaders[at + 1], IDS.organization);
  });

  test(`${name}: v2 services answer, a session is made, checked and refused`, async () => {
    const transport = make('t');
    const sessions = createSessionServiceClient(transport);
    const user = { search: { case: 'loginName' as const, value: ROAD_RUNNER.loginName } };
    const { sessionId } = await sessions.createSession({ checks: { user } });
    await assert.rejects(sessions.setSession({ sessionId, checks: { password: { password: 'nope' } } }), (error) => {
      assert.equal(ConnectError.from(error).code, Code.InvalidArgument);
      return true;
    });
    await sessions.setSession({ sessionId, checks: { password: { password: ROAD_RUNNER.password } } });
    const { session } = await sessions.getSession({ sessionId });
    assert.ok(session?.factors?.password?.verifiedAt);
    assert.ok((await createSettingsServiceClient(transport).getGeneralSettings({})).defaultLanguage);
    assert.ok((await createUserServiceClient(transport).listUsers({})).result.length > 0);
    assert.ok((await createOrganizationServiceClient(transport).listOrganizations({})).result.length > 0);
  });

  test(`${name}: without a token it is unauthenticated, in ZITADEL's words`, async () => {
    await assert.rejects(createUserServiceClient(make('')).getUserByID({ userId: '1' }), (error) => {
      const { code, rawMessage } = ConnectError.from(error);
      assert.equal(code, Code.Unauthenticated);
      assert.ok(rawMessage.length > 0);
      return true;
    });
  });
}

test('makeReqCtx names the organization in the message, and it arrives', async () => {
  const { details } = await createSettingsServiceClient(server('t', url)).getLoginSettings({
    ctx: makeReqCtx(IDS.organization),
  });
  assert.ok(details);
});

test('what is on the wire: gRPC with te: trailers from the server, gRPC-Web from the web', () => {
  const fields = ({ rawHeaders }: { rawHeaders: readonly string[] }, name: string) =>
    rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name);
  const types = new Set(stage.standIn.requests.flatMap((record) => fields(record, 'content-type')));
  assert.deepEqual([...types].sort(), ['application/grpc+proto', 'application/grpc-web+proto']);
  for (const record of stage.standIn.requests) {
    const native = fields(record, 'content-type')[0] === 'application/grpc+proto';
    assert.deepEqual(fields(record, 'te'), native ? ['trailers'] : []);
    // One upstream protocol for all: ZITADEL has lost native gRPC over HTTP/1.1 (zitadel/zitadel#7889).
    assert.equal(record.protocol, 'h2');
  }
});
