// What the TLS of a listener is read from: every file that cannot be used is named, with what was expected.
// Harm: a message without a name sends an operator through a dozen mounted files.
import assert from 'node:assert/strict';
import { mkdtempDisposable, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { configSchema } from '../../src/config/schema.ts';
import { filesOf, type ListenerTls, readTls } from '../../src/process/tls-files.ts';
import type { CertificatePair } from '../../src/transport/certificates.ts';
import { type Authority, makeAuthority } from '../support/authority.ts';

let authority: Authority;
let pair: CertificatePair;
before(async () => {
  authority = await makeAuthority('Clients');
  pair = await authority.issue(['id.example.com']);
});

/** A folder with these files, and the settings that name them. */
async function mounted(files: Record<string, string>) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'gatehouse-tls-'));
  const all: Record<string, string> = { 'tls.crt': pair.certificate, 'tls.key': pair.key, ...files };
  for (const [name, text] of Object.entries(all)) await writeFile(join(folder.path, name), text);
  const at = (name: string): string => join(folder.path, name);
  const config = configSchema.parse({
    listeners: [
      {
        name: 'public',
        address: '127.0.0.1:0',
        tls: {
          certificates: [{ certificate_file: at('tls.crt'), key_file: at('tls.key') }],
          client_certificates: { ca_files: [at('ca.crt')], ...('crl' in files && { crl_files: [at('crl')] }) },
        },
      },
    ],
    upstreams: { zitadel: { endpoints: ['127.0.0.1:1'] } },
  });
  const tls: ListenerTls = config.listeners[0]!.tls!;
  return {
    tls,
    at,
    read: () => readTls(tls, folder.path, Date.now(), false),
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

test('all files of a listener are followed, each once', async () => {
  await using files = await mounted({ 'ca.crt': authority.certificate, crl: await authority.revoke([]) });
  assert.deepEqual(filesOf(files.tls), ['tls.crt', 'tls.key', 'ca.crt', 'crl'].map(files.at));
});

test('what is in them is what is used', async () => {
  const crl = await authority.revoke([]);
  await using files = await mounted({ 'ca.crt': authority.certificate, crl });
  const { settings, certificates } = await files.read();
  assert.deepEqual(certificates[0]!.names, ['id.example.com']);
  assert.deepEqual(settings.clientCertificates, {
    authorities: [authority.certificate],
    revoked: [crl],
    required: true,
    passOn: ['subject', 'san', 'fingerprint'],
  });
});

const BROKEN: [title: string, files: () => Record<string, string>, problem: RegExp][] = [
  ['a file that is not there', () => ({}), /ca\.crt: cannot be read \(ENOENT\)/],
  ['authorities that are none', () => ({ 'ca.crt': 'nothing' }), /ca\.crt: this is no certificate in PEM form/],
  [
    'an authority that is cut',
    () => ({ 'ca.crt': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' }),
    /ca\.crt: a certificate in it cannot be read/,
  ],
  [
    'a certificate that is no authority',
    () => ({ 'ca.crt': pair.certificate }),
    /ca\.crt: CN=id\.example\.com is no authority \(CA:TRUE is missing\)/,
  ],
  [
    'a list of revoked certificates that is none',
    () => ({ 'ca.crt': authority.certificate, crl: authority.certificate }),
    /crl: this is no list of revoked certificates \(CRL\) in PEM form/,
  ],
];
for (const [title, files, problem] of BROKEN) {
  test(`${title} is refused by its name`, async () => {
    await using folder = await mounted(files());
    await assert.rejects(folder.read(), problem);
  });
}

test('a file that is too long is refused before it is read', async () => {
  await using files = await mounted({ 'ca.crt': authority.certificate });
  await truncate(files.at('ca.crt'), 9_000_000);
  await assert.rejects(files.read(), /ca\.crt: has 9000000 bytes, expected 8388608 at most/);
});
