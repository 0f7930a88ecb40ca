// The shield over real connections: what is refused never reaches ZITADEL, what streams is not held back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, PROTOCOLS } from '../support/ask.ts';
import { connectFrames, Flag, FrameType, frame } from '../support/h2-frames.ts';
import { served } from '../support/served.ts';

const { gateway, zitadel } = await served({
  config: {
    hints: false,
    policies: {
      shield: {
        rpcs: { admin: { match: ['zitadel.admin.*'], allow: ['10.0.0.0/8'] } },
        max_message_bytes: 4096,
      },
    },
  },
});

const GRPC = ['content-type', 'application/grpc'] as const;
const JSON_TYPE = ['content-type', 'application/json'] as const;
const RPC = '/zitadel.user.v2.UserService/GetUserByID';

const REFUSED: readonly [title: string, target: string, type: readonly [string, string], code: string][] = [
  ['an RPC for other addresses', '/zitadel.admin.v1.AdminService/ListOrgs', JSON_TYPE, 'RPC_REFUSED'],
  ['its REST path', '/admin/v1/orgs/_search', JSON_TYPE, 'RPC_REFUSED'],
  ['its name with escapes', '/zitadel.admin.v1.AdminService/%4cist%4frgs', JSON_TYPE, 'RPC_REFUSED'],
  ['a call across instances', '/v2beta/instances/search', JSON_TYPE, 'RPC_REFUSED'],
  ['text to an RPC', RPC, ['content-type', 'text/plain'], 'UNSUPPORTED_CONTENT_TYPE'],
  ['JSON to the token endpoint', '/oauth/v2/token', JSON_TYPE, 'UNSUPPORTED_CONTENT_TYPE'],
];

for (const protocol of PROTOCOLS) {
  for (const [title, target, type, code] of REFUSED) {
    test(`${protocol}: ${title} is refused with ${code}, and nothing is sent on`, async () => {
      const { ended } = await ask(gateway, { protocol, method: 'POST', target, fields: [type], body: '{}' });
      assert.equal(ended?.record.error?.code, code);
      assert.equal(ended?.record.attempts, 0);
    });
  }

  test(`${protocol}: attack: X-HTTP-Method-Override on a form POST does not reach the DELETE of a denied call`, async () => {
    const { ended } = await ask(gateway, {
      protocol,
      method: 'POST',
      target: '/v2beta/instances/1',
      fields: [
        ['content-type', 'application/x-www-form-urlencoded'],
        ['x-http-method-override', 'DELETE'],
      ],
      body: 'a=b',
    });
    assert.equal(ended?.record.error?.code, 'RPC_REFUSED');
  });
}

/** Opens a gRPC stream over HTTP/2, without its body. */
async function open() {
  const client = await connectFrames(gateway.port('clear'));
  client.headers(
    1,
    [[':method', 'POST'], [':scheme', 'https'], [':authority', 'localhost'], [':path', RPC], GRPC, ['te', 'trailers']],
    Flag.END_HEADERS,
  );
  return client;
}

const bodies: readonly [title: string, bytes: Buffer, detail: RegExp][] = [
  ['flags 0xff', Buffer.from([0xff, 0, 0, 0, 0]), /frame flags 0xff/],
  ['a length of 0xffffffff', Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), /more than 4096 bytes/],
  ['a frame that ends early', Buffer.from([0, 0, 0, 0, 9, 1]), /inside a frame/],
];

for (const [title, bytes, detail] of bodies) {
  test(`h2: attack: ${title} gets BAD_MESSAGE, and ZITADEL no whole message`, async () => {
    const seen = gateway.ended.length;
    using client = await open();
    client.send(frame(FrameType.DATA, Flag.END_STREAM, 1, bytes));
    const { record } = await gateway.over((one) => gateway.ended.indexOf(one) >= seen);
    assert.equal(record.error?.code, 'BAD_MESSAGE');
    assert.match(record.error?.detail ?? '', detail);
  });
}

test('h2: the first byte of a stream reaches ZITADEL before the second is sent', async () => {
  using client = await open();
  client.send(frame(FrameType.DATA, 0, 1, Buffer.from([0])));
  const received = await zitadel.waitFor(({ target, bytes }) => target === RPC && bytes === 1);
  assert.equal(received.bodyComplete, false);
});
