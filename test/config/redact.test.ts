import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { REDACTED, redacted } from '../../src/config/redact.ts';
import { configSchema } from '../../src/config/schema.ts';

const SECRETS = ['admin-token-0123456789', 'key-passphrase-1', 'Bearer upstream-2', 'session=cookie-3', 'api-key-4'];
const { config } = parseConfig(
  `
listeners:
  - name: public
    address: "127.0.0.1:0"
    tls: { certificates: [{ certificate_file: a.crt, key_file: a.key, passphrase: ${SECRETS[1]} }, { certificate_file: b.crt, key_file: a.key }] }
upstreams: { zitadel: { protocol: h2, endpoints: ["zitadel:8080"], tls: { ca_file: /ca.pem } } }
admin: { token: ${SECRETS[0]} }
policies: { headers: { request: { set: { authorization: "${SECRETS[2]}", cookie: "${SECRETS[3]}", x-plain: plain } } } }
classes: { token: { headers: { answer: { default: { x-api-key: ${SECRETS[4]} } } } } }
routes: [{ name: r, paths: [/r], policies: { headers: { request: { set: { x-auth-token: "${SECRETS[0]}" } } } } }]
`,
  { file: '/etc/gatehouse/gateway.yaml' },
);

test('no secret stands in the config that people see', () => {
  const shown = JSON.stringify(redacted(config));
  for (const secret of SECRETS) assert.ok(!shown.includes(secret), secret);
  assert.equal(shown.split(REDACTED).length - 1, 6);
});

test('everything else stands there as it is, and the config itself is not touched', () => {
  const shown = redacted(config);
  assert.deepEqual(shown.limits, config.limits);
  assert.match(JSON.stringify(shown.policies.headers), /"x-plain":"plain"/);
  assert.equal(shown.listeners[0]?.tls?.certificates[0]?.key_file, '/etc/gatehouse/a.key');
  assert.equal(config.admin.token, SECRETS[0]);
});

test('what people see is a config, but for its secrets', () => {
  const shown = redacted(config);
  const parsed = configSchema.safeParse({ ...shown, admin: config.admin });
  assert.deepEqual(parsed.error?.issues, undefined);
});
