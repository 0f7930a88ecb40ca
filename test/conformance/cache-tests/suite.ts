/**
 * The public HTTP cache test-suite, installed in this folder when a run first asks for it. It has a folder of its own
 * because it depends on npm 6, whose programs would come before the npm of the project.
 */

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const FOLDER = import.meta.dirname;
const SUITE = join(FOLDER, 'node_modules', 'http-cache-tests');

/** How a test counts: what RFC 9111 requires, what a good cache does besides, and what is only looked at. */
export const KINDS = ['required', 'optimal', 'check'] as const;
export type Kind = (typeof KINDS)[number];

/** A test as the suite writes it, as far as it is read here. */
export interface SuiteTest {
  readonly id: string;
  readonly name: string;
  readonly kind?: Kind;
  readonly browser_only?: boolean;
  /** Ids of tests without which this one says nothing. */
  readonly depends_on?: readonly string[];
}

/** A group of tests. */
export interface Group {
  readonly id: string;
  readonly name: string;
  readonly tests: readonly SuiteTest[];
}

/** `true`, or what kind of failure it was and what the suite says about it. */
export type Result = true | readonly [type: string, message: string];

/** Results by the id of the test. */
export type Results = Readonly<Record<string, Result>>;

/** Loads a module of the suite, which has no types. */
export async function load<T>(path: string): Promise<T> {
  return (await import(join(SUITE, path))) as T;
}

/** Every group that the command line of the suite runs; each call gives the same objects. */
export async function groups(): Promise<readonly Group[]> {
  type Module<T> = { readonly default: T };
  const { default: all } = await load<Module<readonly Group[]>>('tests/index.mjs');
  const { default: surrogate } = await load<Module<Group>>('tests/surrogate-control.mjs');
  return [...all, surrogate];
}

/** Why the suite cannot run here, or undefined once it is installed. In CI it throws: a check never run holds nothing. */
export async function missing(): Promise<string | undefined> {
  if (installed()) return undefined;
  try {
    const args = ['ci', '--prefix', FOLDER, '--ignore-scripts', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', args, {
      cwd: FOLDER,
      timeout: 60_000,
      env: { ...process.env, npm_config_fetch_retries: '1' },
    });
    return undefined;
  } catch (error) {
    const last = (error as { stderr?: string }).stderr?.trim().split('\n')[0];
    const why = `the cache tests could not be installed by npm: ${last || (error as Error).message}`;
    if (process.env.CI === 'true') throw new Error(why);
    return why;
  }
}

/** Whether what is installed is what the lock file says. */
function installed(): boolean {
  const manifest = join(SUITE, 'package.json');
  if (!existsSync(manifest) || !existsSync(join(FOLDER, 'node_modules', '.package-lock.json'))) return false;
  const wanted = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')) as { dependencies: object };
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return Object.values(wanted.dependencies)[0] === version;
}
