/** The commands of the CLI: one function each, and the help that names them. */

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { BENCH_HELP, BENCH_OPTIONS } from '../../bench/load/options.ts';
import { ConfigError, formatProblem } from '../config/problem.ts';
import type { CacheCall } from './cache-command.ts';
import { VERSION } from './version.ts';

type Values = ReturnType<typeof parseArgs>['values'];

/** One command. `run` gives the exit code. */
interface Command {
  readonly usage: string;
  readonly summary: string;
  /** Lines of the help below the summary. */
  readonly help: readonly string[];
  readonly options: ParseArgsOptionsConfig;
  /** Names of the positional arguments; all are needed. */
  readonly arguments: readonly string[];
  run(values: Values, positionals: string[]): Promise<number>;
}

// Each command loads what it needs when it runs: `--help` and `check` must not wait for servers.
const COMMANDS: Record<string, Command> = {
  serve: {
    usage: 'gatehouse serve [--config FILE] [--watch | --no-watch]',
    summary: 'Runs the gateway.',
    help: [
      '--config FILE   the config; GATEHOUSE_CONFIG says the same',
      '--watch         reads the config again when it changes; --no-watch does not. `reload.watch` says the same',
      '--demo          without a config: runs in front of a stand-in for ZITADEL (not in the container)',
      '',
      'SIGHUP reads the config again. SIGTERM and SIGINT drain and end; a second one ends at once.',
    ],
    options: {
      config: { type: 'string' },
      demo: { type: 'boolean', default: false },
      watch: { type: 'boolean' },
      'no-watch': { type: 'boolean' },
    },
    arguments: [],
    run: async (values) =>
      (await import('./serve.ts')).serve(
        values.config as string | undefined,
        values.demo === true,
        values['no-watch'] === true ? false : (values.watch as boolean | undefined),
      ),
  },
  check: {
    usage: 'gatehouse check FILE [--resolve]',
    summary: 'Checks a config: exit code 0 and what it would do, or 1 and every problem.',
    help: ['--resolve   looks up the endpoints of upstreams too, and fails where there are none'],
    options: { resolve: { type: 'boolean', default: false } },
    arguments: ['FILE'],
    run: async (values, [file]) => (await import('./check.ts')).check(file!, { resolve: values.resolve === true }),
  },
  explain: {
    usage: 'gatehouse explain FILE METHOD URL [--ip ADDRESS] [--header NAME:VALUE …] [--listener NAME] [--live]',
    summary: 'Shows the route, upstream, policies and headers of a request.',
    help: [
      '--ip ADDRESS          where the request comes from; 203.0.113.7 if not given',
      '--header NAME:VALUE   a header of the request; may be given several times',
      '--listener NAME       the listener it comes to; the first public one if not given',
      '--live                asks the running gateway, by the admin listener of FILE: what each limit has left',
    ],
    options: {
      ip: { type: 'string', default: '203.0.113.7' },
      header: { type: 'string', multiple: true, default: [] },
      listener: { type: 'string' },
      live: { type: 'boolean', default: false },
    },
    arguments: ['FILE', 'METHOD', 'URL'],
    run: async (values, [file, method, url]) => {
      const question = {
        method: method!,
        url: url!,
        ip: values.ip as string,
        headers: values.header as string[],
        listener: values.listener as string | undefined,
      };
      if (values.live === true) return (await import('./explain-live.ts')).explainLive(file!, question);
      return (await import('./explain.ts')).explain(file!, question);
    },
  },
  cache: {
    usage: 'gatehouse cache status|list|purge FILE [options]',
    summary: 'Shows what the running gateway has stored, or throws it away, by the admin listener of FILE.',
    help: [
      'status                hit ratios, bytes, fills, the disk',
      'list                  what is stored: [--host HOST] [--prefix PATH] [--limit N] [--after NEXT]',
      'purge                 --url URL, --host HOST, --host HOST --prefix PATH, or --all',
      '',
      '--host HOST           without a port: all ports of the host',
      '--prefix PATH         what the path begins with',
    ],
    options: {
      host: { type: 'string' },
      prefix: { type: 'string' },
      url: { type: 'string' },
      all: { type: 'boolean', default: false },
      limit: { type: 'string' },
      after: { type: 'string' },
    },
    arguments: ['ACTION', 'FILE'],
    run: async (values, [action, file]) =>
      (await import('./cache-command.ts')).cacheCommand(action!, file!, values as unknown as CacheCall),
  },
  status: {
    usage: 'gatehouse status FILE [--json]',
    summary: 'Shows how the running gateway is, by the admin listener of FILE; exit code 0 where it is ready, else 1.',
    help: ['--json   the answer of /status as it is'],
    options: { json: { type: 'boolean', default: false } },
    arguments: ['FILE'],
    run: async (values, [file]) =>
      (await import('./status-command.ts')).statusCommand(file!, { json: values.json === true }),
  },
  drain: {
    usage: 'gatehouse drain FILE [--undo]',
    summary: 'Turns readiness of the running gateway off, by the admin listener of FILE; it serves on.',
    help: ['--undo   turns it on again'],
    options: { undo: { type: 'boolean', default: false } },
    arguments: ['FILE'],
    run: async (values, [file]) => {
      const { askAdmin } = await import('./admin-client.ts');
      await askAdmin(file!, { method: values.undo === true ? 'DELETE' : 'POST', path: '/drain' });
      return 0;
    },
  },
  bench: {
    usage: 'gatehouse bench --target URL [options]',
    summary: 'Measures a deployment: latencies as clients have them, and what the gateway spends.',
    help: BENCH_HELP,
    options: BENCH_OPTIONS,
    arguments: [],
    run: async (values) => (await import('../../bench/load/bench.ts')).runBench(values),
  },
  schema: {
    usage: 'gatehouse schema',
    summary: 'Prints the JSON Schema of the config, for editors.',
    help: [],
    options: {},
    arguments: [],
    run: async () => {
      const { jsonSchema } = await import('../config/json-schema.ts');
      process.stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
      return 0;
    },
  },
};

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  return [
    `Gatehouse ${VERSION}, an edge gateway for ZITADEL`,
    '',
    'Usage: gatehouse COMMAND …',
    '',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}   ${summary}`),
    '',
    '`gatehouse COMMAND --help` says more; --version prints the version.',
    '',
  ].join('\n');
}

function helpOf({ usage, summary, help }: Command): string {
  const lines = help.length === 0 ? [] : ['', ...help.map((line) => (line === '' ? '' : `  ${line}`))];
  return [`Usage: ${usage}`, '', summary, ...lines, ''].join('\n');
}

/** Runs one command of the command line; gives its exit code: 1 for a refused config, 2 for a wrong call. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(overview());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) return wrongCall(`no command '${name}'`, overview());
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(helpOf(command));
    return 0;
  }
  let values: Values;
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({
      args: rest,
      options: command.options,
      allowPositionals: true,
      strict: true,
    }));
  } catch (error) {
    return wrongCall((error as Error).message, helpOf(command));
  }
  if (positionals.length !== command.arguments.length) {
    const wanted = command.arguments.join(' ') || 'no arguments';
    return wrongCall(`expected ${wanted}, got ${positionals.join(' ') || 'nothing'}`, helpOf(command));
  }
  try {
    return await command.run(values, positionals);
  } catch (error) {
    process.stderr.write(
      `${error instanceof ConfigError ? error.problems.map(formatProblem).join('\n') : String((error as Error).message ?? error)}\n`,
    );
    return 1;
  }
}

function wrongCall(message: string, help: string): number {
  process.stderr.write(`gatehouse: ${message}\n\n${help}`);
  return 2;
}
