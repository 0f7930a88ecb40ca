/** A small file system in memory: full when it is full, read-only when it is mounted so, gone when it is unmounted. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { say } from './programs.ts';

/** Says that this process is in a namespace of its own, where it may mount. */
const INSIDE = 'GATEHOUSE_TEST_MOUNTS';

/** A mounted file system; disposed of, it is unmounted, also while files of it are open. */
export class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'gatehouse-small-'));
  #mounted = false;

  /** Throws where this process may not mount. */
  constructor(bytes: number) {
    try {
      mount('-t', 'tmpfs', '-o', `size=${bytes},mode=0755`, 'tmpfs', this.path);
      this.#mounted = true;
    } catch (error) {
      rmdirSync(this.path);
      throw error;
    }
  }

  /** Nothing can be written on it from now on; throws where a file is open to be written. */
  readOnly(on: boolean): void {
    // Of the mount, not of the file system: in a namespace the options of that are not to be given again.
    mount('-o', `remount,bind,${on ? 'ro' : 'rw'}`, this.path);
  }

  /** Takes it away as a volume that is lost: what is below has nothing of it. */
  pull(): void {
    if (this.#mounted) execFileSync('umount', ['--lazy', this.path], { stdio: 'pipe' });
    this.#mounted = false;
  }

  [Symbol.dispose](): void {
    this.pull();
    // With what is on the real disk below, of who went on after a pull.
    rmSync(this.path, { recursive: true });
  }
}

/** Whether tests that mount run here: in this process, in one below that has a namespace of its own, or not at all. */
export type Mounting = 'here' | 'below' | { readonly skip: string };

/** Tries it. */
export async function mounting(): Promise<Mounting> {
  try {
    new SmallDisk(4096)[Symbol.dispose]();
    return 'here';
  } catch (error) {
    const why = (error as Error).message.trim().split('\n').at(-1);
    const inside = process.env[INSIDE] !== undefined;
    const said = inside
      ? undefined
      : await say('unshare', ['--map-root-user', '--mount', 'true']).catch(() => undefined);
    if (said?.code === 0) return 'below';
    return { skip: `no file system can be mounted here (${why}; nor with unshare): this is not checked here` };
  }
}

/** Runs a test file once more, in a namespace of its own; what it says, and its exit code. */
export async function runBelow(file: string): Promise<{ readonly code: number | null; readonly text: string }> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['--map-root-user', '--mount', process.execPath, '--test-timeout=60000', file];
  const { code, stdout, stderr } = await say('unshare', args, { env: { ...env, [INSIDE]: 'yes' } });
  return { code, text: `${stdout}${stderr}` };
}

function mount(...args: string[]): void {
  execFileSync('mount', args, { stdio: 'pipe' });
}
