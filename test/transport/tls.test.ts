// Certificates are checked before anything is bound, and chosen by the name that a client asks for. RFC 6066 section 3.
// Harm: a gateway that starts with a key of another certificate serves nobody, and says so only to its clients.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { type CertificatePair, certificateNames, checkPair } from '../../src/transport/certificates.ts';
import { type Authority, makeAuthority } from '../support/authority.ts';
import { certificateFor } from '../support/certificate.ts';

let one: CertificatePair;
let other: CertificatePair;
let root: Authority;
let middle: Authority;
before(async () => {
  one = {
    ...(await certificateFor(['id.example.com', '*.example.com', '127.0.0.1', '::1'])),
    source: '/etc/tls/one.crt',
  };
  other = await certificateFor(['other.example.com']);
  root = await makeAuthority('Test Root');
  middle = await root.below('Test Middle');
});

test('a pair that fits tells until when it is valid', () => {
  const { until } = checkPair(one, Date.now());
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

const now = Date.now();

test('a pair that fits tells its names, who issued it, its fingerprint and its key', async () => {
  const pair = await middle.issue(['id.example.com']);
  const found = checkPair(pair, now);
  assert.deepEqual(found.names, ['id.example.com']);
  assert.equal(found.subject, 'CN=id.example.com');
  assert.equal(found.issuer, 'CN=Test Middle');
  assert.equal(found.key, 'EC prime256v1');
  assert.match(found.fingerprint, /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.deepEqual(found.warnings, []);
  assert.equal(found.pair.certificate, pair.certificate);
});

test('a chain in any order is put in order, leaf first, and it is told', async () => {
  const low = await middle.below('Test Low');
  const pair = await low.issue(['id.example.com']);
  const blocks = pair.certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
  assert.equal(blocks.length, 3);
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(blocks, { minLength: 3 }), async (shuffled) => {
      const found = checkPair({ ...pair, certificate: shuffled.join('') }, now);
      assert.equal(found.pair.certificate, pair.certificate);
      assert.equal(found.warnings.length, shuffled.join('') === pair.certificate ? 0 : 1);
    }),
    { numRuns: 12 },
  );
});

test('certificates of another chain are left out, and it is told', async () => {
  const pair = await middle.issue(['id.example.com']);
  const found = checkPair({ ...pair, certificate: `${pair.certificate}${other.certificate}` }, now);
  assert.equal(found.pair.certificate, pair.certificate);
  assert.match(found.warnings.join(), /1 in the file belong to another chain/);
});

test('an authority of the chain that has ended is refused by name, and the first end of the chain counts', async () => {
  const brief = await root.below('Test Brief', { to: 3 });
  const { until } = checkPair(await brief.issue(['id.example.com']), now);
  assert.ok(until.getTime() < now + 4 * 86_400_000);
  const over = await root.below('Test Over', { from: -9, to: -1 });
  const pair = await over.issue(['id.example.com']);
  assert.throws(() => checkPair(pair, now), /the certificate of CN=Test Over in its chain expired on /);
});

test('a leaf of an authority that names where it is to be had, without it, is told', async () => {
  const pair = await middle.issue(['id.example.com'], { issuerAt: 'http://ca.example/middle.crt' });
  assert.deepEqual(checkPair(pair, now).warnings, []);
  assert.match(checkPair({ ...pair, certificate: pair.leaf }, now).warnings.join(), /the chain above it is missing/);
});

test('a certificate that demands OCSP stapling, or has no names, is told', async () => {
  const pair = await root.issue(['id.example.com'], { mustStaple: true });
  assert.match(checkPair(pair, now).warnings.join(), /must-staple/);
  const nameless = await root.issue([], { subject: 'CN=id.example.com' });
  assert.match(checkPair(nameless, now).warnings.join(), /no names/);
});

test('a certificate that is not for servers is refused', async () => {
  const pair = await root.issue(['id.example.com'], { use: 'client' });
  assert.throws(() => checkPair(pair, now), /id\.example\.com: the certificate is not for servers/);
});

test('an encrypted key wants its passphrase', () => {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' },
  });
  assert.throws(() => checkPair({ ...one, key: privateKey }, now), /its key is encrypted: passphrase is missing/);
  assert.throws(() => checkPair({ ...one, key: privateKey, passphrase: 'wrong' }, now), /its key cannot be read/);
  assert.throws(() => checkPair({ ...one, key: privateKey, passphrase: 'right' }, now), /does not belong to this/);
});

test('whatever stands in the files, there is a pair or an error that names the source', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', '\n', 'MIIB', '\0'),
    fc.nat(one.certificate.length).map((at) => one.certificate.slice(0, at)),
  );
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, text, (certificate, key) => {
      for (const pair of [
        { certificate, key },
        { certificate: one.certificate, key },
        { certificate, key: one.key },
      ]) {
        try {
          checkPair({ ...pair, source: 'SOURCE' }, now);
        } catch (error) {
          assert.match((error as Error).message, /^SOURCE: /);
        }
      }
    }),
    { numRuns: 100 },
  );
});
