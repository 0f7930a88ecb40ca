/**
 * grpc-go's own interop programs, grpcurl, ghz and h2spec, built once a run from `test/go` into a folder that goes away
 * again.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { find, needs, say } from '../support/programs.ts';

const MODULE = join(import.meta.dirname, '../go');
const PACKAGES = {
  client: 'google.golang.org/grpc/interop/client',
  server: 'google.golang.org/grpc/interop/server',
  grpcurl: 'github.com/fullstorydev/grpcurl/cmd/grpcurl',
  limits: './limits',
  ghz: 'github.com/bojand/ghz/cmd/ghz',
  h2spec: 'github.com/summerwind/h2spec/cmd/h2spec',
} as const;

/** Those with a module of their own, in a folder of that name: what they need is older than what the others do. */
const APART: ReadonlySet<string> = new Set(['h2spec']);

export type GoTool = keyof typeof PACKAGES;

/** Tools that were built, or why there are none. */
export type Built = { readonly tools: Readonly<Record<GoTool, string>> } | { readonly skip: string };

/** Builds what is asked for. Only the Go module proxy may be reached for it; without Go, or a new one, nothing is. */
export async function build(...names: readonly GoTool[]): Promise<Built> {
  const { skip } = needs('go');
  if (skip !== undefined) return { skip };
  const go = find('go');
  if (go === undefined) throw new Error('go is not installed, and CI must not skip what needs it');
  const wanted = /^go (\S+)/m.exec(readFileSync(join(MODULE, 'go.mod'), 'utf8'))![1]!;
  const version =
    /go version go(\S+)/.exec((await say(go, ['version'], { cwd: tmpdir() })).stdout.toString())?.[1] ?? '0';
  // From 1.21 on a Go fetches the version that a module wants.
  if (Number(version.split('.')[1]) < 21)
    return { skip: `Go ${version} is too old for test/go, which wants ${wanted}` };
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-go-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const [module, built] of Map.groupBy(names, (name) => (APART.has(name) ? join(MODULE, name) : MODULE))) {
    // Without the debug information it links in half the time.
    const packages = built.map((name) => PACKAGES[name]);
    const args = ['build', '-mod=readonly', '-ldflags=-s -w', '-o', `${folder}/`, ...packages];
    const { code, stderr } = await say(go, args, { cwd: module, timeout: 240_000 });
    if (code === 0) continue;
    const why = `test/go could not be built: ${stderr.trim().split('\n').at(-1)}`;
    if (process.env.CI === 'true') throw new Error(why);
    return { skip: why };
  }
  return { tools: Object.fromEntries(names.map((name) => [name, join(folder, name)])) as Record<GoTool, string> };
}

export interface InteropServer extends AsyncDisposable {
  readonly address: string;
}

/** Starts grpc-go's interop server in the clear on a free port, which it tells in its log. */
export async function startInteropServer(path: string): Promise<InteropServer> {
  const child: ChildProcess = spawn(path, ['--port=0', '--use_tls=false'], {
    env: { ...process.env, GRPC_GO_LOG_SEVERITY_LEVEL: 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const lines = createInterface(child.stderr!);
  lines.on('line', (text) => {
    const port = /listening on .*:(\d+)/.exec(text)?.[1];
    if (port !== undefined) resolve(Number(port));
  });
  child.on('exit', (code) => reject(new Error(`the interop server ended with ${code}`)));
  child.on('error', reject);
  return {
    address: `127.0.0.1:${await promise}`,
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}
