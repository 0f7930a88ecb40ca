/** A gateway as a child process, with its config in a folder that others may change. */

import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LogLine, type StartedProcess, startProcess } from '../../test/support/started-process.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** A config as it is written in YAML. */
export type GatewayConfig = Readonly<Record<string, unknown>>;

/** An endpoint as `/upstreams` of the admin listener tells of it. */
export interface EndpointStatus {
  readonly name: string;
  readonly state: string;
  readonly used: boolean;
  readonly sessions: number;
}

type UpstreamsAnswer = readonly { readonly name: string; readonly endpoints: readonly EndpointStatus[] }[];

/** How long something that must come may take, in milliseconds: longer than any time of a scenario. */
const COME_MS = 60_000;

/** A running gateway. */
export class GatewayProcess implements AsyncDisposable {
  readonly process: StartedProcess;
  readonly configFile: string;
  /** Ports by listener: `public` with TLS, `clear` and `admin` in the clear. */
  readonly ports: Readonly<Record<'public' | 'clear' | 'admin', number>>;

  private constructor(process: StartedProcess, configFile: string, ports: GatewayProcess['ports']) {
    this.process = process;
    this.configFile = configFile;
    this.ports = ports;
  }

  /** Ends it at once. */
  kill(): void {
    this.process.signal('SIGKILL');
  }

  /** Starts it, with modules that run before it; resolves when it says that it is ready. Rejects with all that it said when it ends before. */
  static async start(
    folder: string,
    name: string,
    config: GatewayConfig,
    preloaded: readonly string[] = [],
  ): Promise<GatewayProcess> {
    const file = join(folder, `${name}.yaml`);
    await writeConfig(file, config);
    // Its own settings of the environment would change the run.
    const { GATEHOUSE_CONFIG: _, ...env } = process.env;
    const args = [...preloaded.flatMap((url) => ['--import', url]), MAIN, 'serve', '--config', file];
    const started = startProcess(process.execPath, args, { env });
    const portOf = async (listener: string): Promise<number> => {
      const line = await started.line((one) => one.event === 'listening' && one.listener === listener);
      return Number(new URL(String(line.url)).port);
    };
    try {
      const [open, clear, admin] = await Promise.all([portOf('public'), portOf('clear'), portOf('admin')]);
      const gateway = new GatewayProcess(started, file, { public: open, clear, admin });
      while (!(await gateway.ready())) await new Promise((resolve) => setTimeout(resolve, 50));
      return gateway;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A text of the admin listener. */
  async admin(path: string): Promise<string> {
    const url = `http://127.0.0.1:${this.ports.admin}${path}`;
    // A kept connection may be closed at the moment it is used: asked once more.
    const answer = await fetch(url).catch(() => fetch(url).catch((error) => this.#unreachable(error)));
    return await answer.text();
  }

  /** Says why: how the process ended, where it has. */
  async #unreachable(cause: unknown): Promise<never> {
    const grace = new Promise<undefined>((resolve) => setTimeout(resolve, 1000, undefined));
    const end = await Promise.race([this.process.ended, grace]);
    if (end === undefined) throw cause;
    const { code, signal, stdout, stderr } = end;
    const last = `${stdout.slice(-2000)}\n${stderr.slice(-4000)}`;
    throw new Error(`the gateway ended with ${code ?? signal}; the last it said:\n${last}`, { cause });
  }

  /** What `/ready` says; false where nobody answers. */
  async ready(): Promise<boolean> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.ports.admin}/ready`);
      await answer.arrayBuffer();
      return answer.status === 200;
    } catch {
      return false;
    }
  }

  /** All metrics of one moment: the sum of one over its labels, or of the lines that have a label; NaN for none. */
  async metrics(): Promise<(name: string, label?: string) => number> {
    const lines = (await this.admin('/metrics')).split('\n');
    return (name, label = '') => {
      const values = lines.filter((line) => /^[a-z_]+/.exec(line)?.[0] === name && line.includes(label));
      if (values.length === 0) return Number.NaN;
      return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    };
  }

  /** The endpoints of ZITADEL. */
  async endpoints(): Promise<readonly EndpointStatus[]> {
    const all = JSON.parse(await this.admin('/upstreams')) as UpstreamsAnswer;
    return all.find(({ name }) => name === 'zitadel')!.endpoints;
  }

  /** Waits until the endpoints are so; rejects with how they are when that takes longer than so many milliseconds. */
  async until(fits: (endpoints: readonly EndpointStatus[]) => boolean, withinMs = COME_MS): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const endpoints = await this.endpoints();
      if (fits(endpoints)) return;
      if (performance.now() > deadline) throw new Error(`endpoints are still ${JSON.stringify(endpoints)}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Waits until a metric is above what it was; rejects when that takes too long. */
  async risen(name: string, label: string, above: number): Promise<void> {
    const deadline = performance.now() + COME_MS;
    while (!((await this.metrics())(name, label) > above)) {
      if (performance.now() > deadline) throw new Error(`${name}{${label}} is still ${above}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Puts another config in the place of the one there is, by a rename as editors do it. */
  async write(config: object | string): Promise<void> {
    await writeConfig(this.configFile, config);
  }

  line(fits: (line: LogLine) => boolean): Promise<LogLine> {
    return this.process.line(fits);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

async function writeConfig(file: string, config: object | string): Promise<void> {
  await writeFile(`${file}.new`, typeof config === 'string' ? config : JSON.stringify(config, null, 1));
  await rename(`${file}.new`, file);
}
