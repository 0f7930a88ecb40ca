/** A Secret on disk, as Kubernetes mounts one, and what changes in it. */

import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CertificatePair } from '../../src/transport/certificates.ts';

/** A folder as Kubernetes mounts a Secret: links to links to a folder that is never written to twice. */
export class Secret implements AsyncDisposable {
  readonly folder: string;
  #versions = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async mount(files: Record<string, string>): Promise<Secret> {
    const secret = new Secret(await mkdtemp(join(tmpdir(), 'gatehouse-secret-')));
    await secret.put(files);
    for (const name of Object.keys(files)) await symlink(join('..data', name), join(secret.folder, name));
    return secret;
  }

  /** Another version, all files at once. */
  async put(files: Record<string, string>): Promise<void> {
    this.#versions += 1;
    const version = `..version_${this.#versions}`;
    await mkdir(join(this.folder, version));
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.folder, version, name), text);
    await symlink(version, join(this.folder, '..data_tmp'));
    await rename(join(this.folder, '..data_tmp'), join(this.folder, '..data'));
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The files of a Secret of type kubernetes.io/tls. */
export const filesOf = ({ certificate, key }: CertificatePair): Record<string, string> => ({
  'tls.crt': certificate,
  'tls.key': key,
});
