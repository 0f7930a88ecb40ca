// `client_address`: one place where trusted peers say who the client is.
// Harm: a header that clients choose, taken for one that a CDN writes, lets everybody be anybody.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAddress } from '../../src/config/schema/client-address.ts';

const problems = (given: unknown): (string | undefined)[] =>
  (clientAddress.safeParse(given).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);

test('by default it is X-Forwarded-For', () => assert.deepEqual(clientAddress.parse({}), { from: 'x-forwarded-for' }));

test('a header is taken in any case, and known in lower case', () => {
  const given = { from: 'header', header: 'CF-Connecting-IP' };
  assert.deepEqual(clientAddress.parse(given), { from: 'header', header: 'cf-connecting-ip' });
});

for (const header of ['true-client-ip', 'fastly-client-ip', 'x-real-ip', 'x-azure-clientip', 'fly-client-ip']) {
  test(`${header} may hold the client`, () => assert.deepEqual(problems({ from: 'header', header }), []));
}

for (const header of [
  ...['host', 'Cookie', 'authorization', 'user-agent', 'referer', 'via', 'connection', 'content-type', 'x-request-id'],
  ...['x-forwarded-host', 'x-forwarded-proto', 'x-zitadel-instance-host', 'grpc-metadata-x', 'proxy-authorization'],
]) {
  test(`attack: ${header} is no address of a client`, () => {
    assert.deepEqual(problems({ from: 'header', header }), [
      'header: this header has another meaning: expected one that a CDN writes itself, such as cf-connecting-ip',
    ]);
  });
}

test('lists of addresses have a value of `from`, and are no header', () => {
  for (const header of ['X-Forwarded-For', 'forwarded']) {
    const expected = 'header: a list of addresses: expected `from` with this name, and no `header`';
    assert.equal(problems({ from: 'header', header })[0], expected);
  }
});

test('what is no header name is refused with what was expected', () => {
  for (const header of ['', ':authority', 'a b', 'a:b', 'ä', 'a\r\nb']) {
    const expected = 'header: expected a header name: letters, digits and -';
    assert.equal(problems({ from: 'header', header })[0], expected, header);
  }
});

test('a header and `from: header` come together', () => {
  assert.deepEqual(problems({ from: 'header' }), ['header: is missing: expected a name such as cf-connecting-ip']);
  assert.deepEqual(problems({ header: 'cf-connecting-ip' }), [
    'header: is not looked at: expected `from: header` with it',
  ]);
});
