/** What `gatehouse check` says of certificates: until when they are valid, or what is wrong with them. */

import type { Config } from '../config/schema.ts';
import { ticketSecret } from '../transport/ticket-keys.ts';
import { bytesOf, clientsOf, readTls } from './tls-files.ts';

const DAY_MS = 86_400_000;

/** What was found. */
export interface CheckedCertificates {
  /** For each certificate: its listener, file, names, and until when it is valid. */
  readonly rows: readonly (readonly string[])[];
  /** What a start would stumble over, and warnings; a file that is not there may be at another place. */
  readonly problems: readonly { readonly text: string; readonly fatal: boolean }[];
}

/** Reads the certificates of all listeners as a start would; makes none. `now` in milliseconds since the epoch. */
export async function checkCertificates({ listeners, tls: shared }: Config, now: number): Promise<CheckedCertificates> {
  const rows: string[][] = [];
  const problems: { text: string; fatal: boolean }[] = [];
  const attempt = async (what: string, read: () => Promise<void>): Promise<void> => {
    try {
      await read();
    } catch (error) {
      const { message, cause } = error as Error;
      problems.push({ text: `${what}: ${message}`, fatal: (cause as NodeJS.ErrnoException)?.code !== 'ENOENT' });
    }
  };
  for (const { name, tls } of listeners) {
    if (tls === undefined) continue;
    if (tls.development) {
      rows.push([name, 'development certificate', 'localhost', 'made when it is needed']);
      continue;
    }
    // One by one: each of them gets its row, or what is wrong with it.
    for (const certificate of tls.certificates) {
      await attempt(`listener ${name}`, async () => {
        const one = { ...tls, certificates: [certificate], acme: undefined, client_certificates: undefined };
        for (const { pair, names, until, warnings } of (await readTls(one, '', now, false)).certificates) {
          const days = Math.floor((until.getTime() - now) / DAY_MS);
          rows.push([name, pair.source, names.join(', '), `until ${until.toISOString()}, ${days} days`]);
          for (const warning of warnings) {
            problems.push({ text: `listener ${name}: ${pair.source}: ${warning}`, fatal: false });
          }
        }
      });
    }
    if (tls.acme !== undefined)
      rows.push([name, 'ACME', tls.acme.names.join(', '), `ordered at ${tls.acme.directory}`]);
    if (tls.client_certificates !== undefined) {
      await attempt(`listener ${name}`, async () => {
        await clientsOf(tls.client_certificates!);
      });
    }
  }
  const { keys_file: file } = shared.tickets;
  if (file !== undefined) {
    await attempt('tls.tickets.keys_file', async () => {
      ticketSecret(await bytesOf(file), file);
    });
  }
  return { rows, problems };
}
