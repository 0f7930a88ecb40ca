/** The parts of ACME that read what others write. */

import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { AccountKey } from '../../src/transport/acme/account-key.ts';
import { linksOf, retryAfterMs } from '../../src/transport/acme/call.ts';
import { problemOf } from '../../src/transport/acme/problem.ts';
import { suggestedWindow, timeIn, usualWindow } from '../../src/transport/acme/renewal-time.ts';
import { certificateFor } from '../support/certificate.ts';

test('signs with ES256, with the key itself before there is an account and with its URL afterwards', () => {
  const key = AccountKey.read(AccountKey.make().pem);
  for (const header of [
    { nonce: 'n', url: 'u' },
    { kid: 'https://a.test/1', nonce: 'n', url: 'u' },
  ]) {
    const { protected: head, payload, signature } = key.sign(header, { a: 1 });
    const read = JSON.parse(Buffer.from(head, 'base64url').toString());
    assert.equal(read.alg, 'ES256');
    assert.deepEqual('kid' in header ? read.kid : read.jwk, 'kid' in header ? header.kid : key.jwk);
    const publicKey = createPublicKey({ key: { ...key.jwk }, format: 'jwk' });
    const bytes = Buffer.from(signature, 'base64url');
    assert.ok(
      verify('sha256', Buffer.from(`${head}.${payload}`), { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes),
    );
  }
  assert.equal(key.sign({ nonce: 'n', url: 'u' }, undefined).payload, '');
});

test('a key of another kind is no account key', () => {
  assert.throws(() => AccountKey.read('broken'));
});

test('finds links of a relation, in one field or several', () => {
  const fields = ['<https://a.test/dir>;rel="index"', '</alt/1>;rel="alternate", </alt/2>; rel=alternate'];
  assert.deepEqual(linksOf(fields, 'alternate', 'https://a.test/cert'), [
    'https://a.test/alt/1',
    'https://a.test/alt/2',
  ]);
  assert.deepEqual(linksOf(fields, 'up', 'https://a.test/cert'), []);
});

test('reads Retry-After in seconds and as a date', () => {
  const now = Date.UTC(2026, 0, 1);
  assert.equal(retryAfterMs('120', now), 120_000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:01:00 GMT', now), 60_000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2020 00:01:00 GMT', now), 0);
  for (const value of [undefined, '', 'soon', '-']) assert.equal(retryAfterMs(value, now), undefined);
});

test('whatever an authority says is read without an exception', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (json, text) => {
      const { kind, message } = problemOf(json, 'asked', 400);
      assert.equal(typeof kind, 'string');
      assert.ok(message.length <= 500);
      suggestedWindow(Object(json));
      linksOf([text], 'alternate', 'https://a.test/');
      const wait = retryAfterMs(text, 0);
      assert.ok(wait === undefined || wait >= 0);
    }),
  );
});

test('the time of renewal lies in its window, and is the same each time', async () => {
  const { certificate } = await certificateFor(['a.test'], { from: -30, to: 60 });
  const window = usualWindow(certificate, undefined);
  const at = timeIn(window, certificate);
  assert.ok(window.start <= at && at <= window.end);
  assert.equal(timeIn(usualWindow(certificate, undefined), certificate), at);
  assert.ok(Math.abs(window.start - (Date.now() + 30 * 86_400_000)) < 60_000);
});
