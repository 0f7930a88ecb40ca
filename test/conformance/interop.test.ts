// grpc-go's interop cases through the gateway, over TLS and in the clear: https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
// Harm: ZITADEL is grpc-go, and so are its Terraform provider, its Go SDK and grpcurl.

import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { say } from '../support/programs.ts';
import { build, startInteropServer } from './go-tools.ts';
import { startStage } from './stage.ts';

const CASES = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
  'rpc_soak',
  'channel_soak',
] as const;

const built = await build('client', 'server', 'grpcurl');

if ('skip' in built) {
  test('grpc-go interop and grpcurl', { skip: built.skip }, () => {});
} else {
  const { tools } = built;
  const server = await startInteropServer(tools.server);
  const gateway = await startGateway({
    zitadel: server.address,
    config: {
      preset: 'none',
      routes: [
        { name: 'interop', paths: ['/grpc.testing.TestService/{rpc}', '/grpc.testing.UnimplementedService/{rpc}'] },
      ],
    },
  });
  const stage = await startStage();
  const caFile = join(tmpdir(), `gatehouse-interop-ca-${process.pid}.pem`);
  await writeFile(caFile, gateway.ca);
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
    await rm(caFile, { force: true });
  });

  const channels = {
    'TLS h2': [
      `--server_port=${gateway.port('public')}`,
      '--use_tls',
      '--use_test_ca',
      `--ca_file=${caFile}`,
      '--server_host_override=localhost',
    ],
    h2c: [`--server_port=${gateway.port('clear')}`],
  };
  for (const [channel, flags] of Object.entries(channels)) {
    for (const name of CASES) {
      test(`${name} over ${channel}`, async () => {
        const args = ['--server_host=127.0.0.1', ...flags, `--test_case=${name}`];
        const { code, stderr } = await say(tools.client, args, { timeout: 30_000 });
        assert.equal(code, 0, stderr);
      });
    }
  }

  test('the cases went through the gateway', () => {
    const paths = new Set(gateway.ended.map(({ exchange }) => exchange.head.path));
    for (const rpc of ['EmptyCall', 'UnaryCall', 'FullDuplexCall', 'StreamingInputCall', 'StreamingOutputCall']) {
      assert.ok(paths.has(`/grpc.testing.TestService/${rpc}`), rpc);
    }
  });

  const address = `localhost:${stage.gateway.port('public')}`;
  const grpcurl = (...args: string[]) => say(tools.grpcurl, ['-cacert', caFile, '-max-time', '20', ...args]);

  test('grpcurl, which knows ZITADEL only from server reflection, calls it', async () => {
    const { code, stdout, stderr } = await grpcurl(address, 'zitadel.admin.v1.AdminService/Healthz');
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout.toString()), {});
  });

  test('grpcurl lists the services and describes one', async () => {
    const list = await grpcurl(address, 'list');
    assert.match(list.stdout.toString(), /^zitadel\.user\.v2\.UserService$/m);
    const described = await grpcurl(address, 'describe', 'zitadel.session.v2.SessionService.CreateSession');
    assert.match(described.stdout.toString(), /rpc CreateSession \( \.zitadel\.session\.v2\.CreateSessionRequest \)/);
  });

  test('grpcurl shows what ZITADEL refuses and what the gateway refuses', async () => {
    const refused = await grpcurl('-d', '{}', address, 'zitadel.session.v2.SessionService/ListSessions');
    assert.match(refused.stderr, /Code: Unauthenticated/);
    const closed = await grpcurl('-d', '{}', address, 'zitadel.system.v1.SystemService/Healthz');
    assert.match(closed.stderr, /Code: PermissionDenied\n {2}Message: This path is not open on this listener/);
  });
}
