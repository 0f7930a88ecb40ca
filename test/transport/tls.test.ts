// Certificates are checked before anything is bound, and chosen by the name that a client asks for. RFC 6066 section 3.
// Harm: a gateway that starts with a key of another certificate serves nobody, and says so only to its clients.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type CertificatePair, certificateNames, checkPair } from '../../src/transport/tls.ts';
import { certificateFor } from '../support/certificate.ts';

let one: CertificatePair;
let other: CertificatePair;
before(async () => {
  one = {
    ...(await certificateFor(['id.example.com', '*.example.com', '127.0.0.1', '::1'])),
    source: '/etc/tls/one.crt',
  };
  other = await certificateFor(['other.example.com']);
});

test('a pair that fits tells until when it is valid', () => {
  const until = checkPair(one, Date.now());
  assert.ok(until.getTime() > Date.now() + 29 * 86_400_000);
});

test('the names of a certificate are those of its SAN, addresses too', () => {
  assert.deepEqual(certificateNames(one.certificate), ['id.example.com', '*.example.com', '127.0.0.1', '::1']);
});

test('a key of another certificate is refused with the name of the file', () => {
  assert.throws(() => checkPair({ ...one, key: other.key }, Date.now()), {
    message: '/etc/tls/one.crt: the key does not belong to this certificate',
  });
});

test('an expired certificate is refused with the name of the file and the day', async () => {
  const old = await certificateFor(['old.example.com'], { from: -30, to: -1 });
  assert.throws(() => checkPair(old, Date.now()), /^Error: old\.example\.com ECDSA: the certificate expired on /);
});

test('a certificate of the future is refused with the name of the file and the day', async () => {
  const early = await certificateFor(['early.example.com'], { from: 1 });
  assert.throws(
    () => checkPair(early, Date.now()),
    /^Error: early\.example\.com ECDSA: the certificate is not valid before /,
  );
});

test('what is no PEM is refused with the name of the file and which of the two it is', () => {
  assert.throws(() => checkPair({ ...one, certificate: 'nonsense' }, Date.now()), {
    message: '/etc/tls/one.crt: this is no certificate in PEM form',
  });
  assert.throws(
    () => checkPair({ ...one, key: 'nonsense' }, Date.now()),
    /^Error: \/etc\/tls\/one\.crt: its key cannot be read/,
  );
});
