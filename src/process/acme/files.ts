/** What ACME keeps on the disk: the key of the account, certificates with their keys, and when orders were made. */

import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ListenerTls } from '../tls-files.ts';

/** What the config of a listener says of ACME. */
export type AcmeConfig = NonNullable<ListenerTls['acme']>;

/** The folder of an account: another directory is another account. */
export function accountFolder({ storage_directory: storage, directory }: AcmeConfig): string {
  return join(storage, `${new URL(directory).hostname}-${shortHash(directory)}`);
}

/** The file of a certificate, key first; other names or another kind are another certificate. */
export function certificateFile(config: AcmeConfig): string {
  const { names, key_type, preferred_issuer, profile } = config;
  const hash = shortHash([[...names].sort(), key_type, preferred_issuer, profile]);
  return join(accountFolder(config), `${names[0]!.slice(0, 100)}-${hash}.pem`);
}

/** Makes the folder of an account for this user alone; rejects with a message that names it where that cannot be done. */
export async function prepareFolder(config: AcmeConfig): Promise<void> {
  const folder = accountFolder(config);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    const probe = join(folder, `.${randomUUID()}`);
    await (await open(probe, 'wx', 0o600)).close();
    await rm(probe);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`acme.storage_directory: ${folder}: cannot be written (${code ?? error})`, { cause: error });
  }
}

/** Writes a file that only this user may read, whole or not at all. */
export async function writeSecret(file: string, text: string): Promise<void> {
  const next = join(dirname(file), `.${randomUUID()}`);
  try {
    const handle = await open(next, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      // A crash of the machine must not leave a name without its text.
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, file);
  } catch (error) {
    await rm(next, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${file}: cannot be written (${code ?? error})`, { cause: error });
  }
}

/** The text of a file; undefined where there is none. Rejects where others may read it, or it cannot be read. */
export async function readSecret(file: string): Promise<string | undefined> {
  try {
    if (((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
    await using handle = await open(file, 'r');
    return await handle.readFile('utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new Error(`${file}: cannot be read (${code ?? error})`, { cause: error });
  }
}

function shortHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12);
}
