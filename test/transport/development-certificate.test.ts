// The development certificate: made on first run, then the same, never one that is about to expire.
// Harm: a new one at each start makes browsers ask again; an old one makes the first start after a year fail.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkPair } from '../../src/transport/certificates.ts';
import { developmentCertificate, makeCertificate } from '../../src/transport/development-certificate.ts';

const DAY_MS = 86_400_000;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-certificate-'));
});
after(() => rm(folder, { recursive: true }));

test('the first run makes it, the second finds it; the key is for its owner only', async () => {
  const first = await developmentCertificate(join(folder, 'new', 'below'));
  assert.equal(first.made, true);
  checkPair(first, Date.now());
  assert.equal((await stat(join(folder, 'new', 'below', 'development.key'))).mode & 0o077, 0);
  const second = await developmentCertificate(join(folder, 'new', 'below'));
  assert.equal(second.made, false);
  assert.equal(second.certificate, first.certificate);
});

test('it is for localhost and both loopback addresses, for no longer than browsers take', async () => {
  const certificate = new X509Certificate((await developmentCertificate(folder)).certificate);
  assert.ok(certificate.checkHost('localhost'));
  for (const address of ['127.0.0.1', '::1']) assert.ok(certificate.checkIP(address), address);
  assert.equal(certificate.ca, false);
  assert.ok(certificate.validToDate.getTime() - certificate.validFromDate.getTime() <= 398 * DAY_MS);
});

test('less than a month before it ends a new one is made', async () => {
  const first = await developmentCertificate(folder);
  const later = await developmentCertificate(folder, Date.now() + 370 * DAY_MS);
  assert.equal(later.made, true);
  assert.notEqual(later.certificate, first.certificate);
});

test('files that are no pair are made anew', async () => {
  await developmentCertificate(folder);
  const other = await makeCertificate(['localhost'], Date.now());
  for (const key of [other.key, 'nonsense', '']) {
    await writeFile(join(folder, 'development.key'), key);
    const made = await developmentCertificate(folder);
    assert.equal(made.made, true);
    checkPair(made, Date.now());
  }
});
