/**
 * Outside programs that some tests run. Where one is missing its tests are skipped, and say so; in CI (`CI=true`) they
 * fail, because a check that is never run holds nothing.
 */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The programs, with the names under which systems have them. */
const NAMES = {
  curl: ['curl'],
  h2load: ['h2load'],
  nghttp: ['nghttp'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  go: ['go'],
  openssl: ['openssl'],
  redis: ['redis-server', 'valkey-server'],
  nginx: ['nginx'],
  haproxy: ['haproxy'],
  caddy: ['caddy'],
  pebble: ['pebble'],
} as const;

export type Program = keyof typeof NAMES;

/** Where a program is, or undefined. */
export function find(program: Program): string | undefined {
  // Where Debian has nginx, and what only root has on PATH there.
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']) {
    for (const name of NAMES[program]) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  return undefined;
}

/** Options of a test that needs programs: `test(title, needs('curl'), …)`. */
export function needs(...programs: readonly Program[]): { skip?: string } {
  const missing = programs.filter((program) => find(program) === undefined);
  if (missing.length === 0 || process.env.CI === 'true') return {};
  return { skip: `${missing.join(', ')} not found on PATH: this is not checked here` };
}

/** Where a program is; throws where it is not, which happens in CI only. */
export function program(name: Program): string {
  const path = find(name);
  if (path === undefined) throw new Error(`${name} is not installed, and CI must not skip what needs it`);
  return path;
}

/** What a program said. */
export interface Said {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to its end and collects what it says; the input, where there is one, is all it reads. */
export async function say(
  path: string,
  args: readonly string[],
  options: SpawnOptions & { input?: string | Uint8Array } = {},
): Promise<Said> {
  const { input, ...rest } = options;
  const child = spawn(path, args, { ...rest, stdio: ['pipe', 'pipe', 'pipe'] }) as ChildProcess;
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout!.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr!.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin!.on('error', () => {}); // it need not read all of it
  child.stdin!.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}
