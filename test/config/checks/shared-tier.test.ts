// Where replicas share their limits, as it may be written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Findings } from '../../../src/config/checks/check.ts';
import { sharedTier as check } from '../../../src/config/checks/shared-tier.ts';
import { sharedTier } from '../../../src/config/schema/shared-tier.ts';

/** What is found in settings that parse. */
function foundIn(settings: object) {
  const shared = sharedTier.parse(settings);
  const found = new Findings();
  check({ config: { limiter: { shared } } } as never, found);
  const said = ({ path, message }: { path: readonly unknown[]; message: string }) => `${path.join('.')}: ${message}`;
  return { problems: found.problems.map(said), warnings: found.warnings.map(said) };
}

test('TCP, TLS, IPv6, a socket and a database can be named; a password cannot stand in the URL', () => {
  const fits = (url: string): boolean => sharedTier.safeParse({ url }).success;
  for (const url of [
    'redis://127.0.0.1:6379/0',
    'redis://valkey',
    'rediss://cache.example.org:6380/15',
    'redis://[::1]:6379',
    'redis://[2001:db8::1]/3',
    'unix:/run/valkey.sock',
    'unix:/run/valkey.sock?db=2',
  ]) {
    assert.ok(fits(url), url);
    assert.deepEqual(foundIn({ url }).problems, []);
  }
  for (const url of [
    '',
    'valkey:6379',
    'http://valkey',
    'redis://user:secret@valkey',
    'redis://valkey/zero',
    'redis://valkey/0?x=1',
    'redis://a b',
    'unix:run/valkey.sock',
    'redis://[::1',
  ]) {
    assert.ok(!fits(url), url);
  }
});

test('a port or address that cannot be is told', () => {
  for (const url of ['redis://valkey:70000', 'redis://[:::::]:1']) {
    assert.deepEqual(foundIn({ url }).problems, ['limiter.shared.url: expected a host and a port up to 65535']);
  }
});

test('settings that have no meaning together are told', () => {
  const url = 'redis://127.0.0.1';
  assert.match(foundIn({ url, mode: 'delta', on_error: 'deny' }).problems[0]!, /on_error: .* expected local/);
  assert.match(foundIn({ url, ca_file: '/ca.pem' }).problems[0]!, /ca_file: .* rediss:/);
  assert.match(foundIn({ url, username: 'a' }).problems[0]!, /username: expected a password/);
});

test('a password in the clear is warned of, unless it stays on the machine', () => {
  const warned = (url: string): boolean => foundIn({ url, password: 'secret' }).warnings.length > 0;
  assert.deepEqual(['redis://valkey:6379', 'redis://[2001:db8::1]', 'redis://127.evil.example'].map(warned), [
    true,
    true,
    true,
  ]);
  const quiet = ['rediss://valkey', 'redis://127.0.0.1:1', 'redis://[::1]:6379/0', 'unix:/run/a', 'redis://localhost'];
  assert.ok(!quiet.some(warned));
});

test('no URL breaks the check', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((text) => `redis://${text}`),
      ),
      (url) => {
        if (sharedTier.safeParse({ url }).success) foundIn({ url });
      },
    ),
  );
});
