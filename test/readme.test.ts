// The papers say what is true: their commands exist, what they show is what comes out, and their configs compile. Where
// their links lead to is in docs-links.test.ts.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { parseConfig } from '../src/config/load.ts';
import { Events } from '../src/core/events.ts';
import { startStandIn } from '../src/demo/stand-in.ts';
import type { CacheFigures } from '../src/telemetry/cache-metrics.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import { startGateway } from './support/gateway.ts';
import { runProcess } from './support/started-process.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const PAPERS = globSync(['*.md', 'docs/**/*.md', 'certs/*.md'], { cwd: ROOT });
const README = read('README.md');

/** The code blocks of a language. */
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((match) => match[1]!);

/** A command of an indented block that begins with `$ `, and the lines below it. */
const shown = (text: string): { command: string; output: string }[] =>
  [...text.matchAll(/^ {4}\$ (.+)\n((?: {4}(?!\$ ).*\n|\n(?= {4}))*)/gm)].map(([, command, output]) => ({
    command: command!,
    output: output!.replace(/^ {4}/gm, '').trimEnd(),
  }));

/** Words of a command line, with single quotes. */
const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);

/** Compiles a config; what its problems are, if there are any, is the failure. */
function compiles(text: string, file: string): void {
  const env = { GATEHOUSE_HOST: 'id.example.com', ZITADEL_UPSTREAM: 'zitadel:8080', LOGIN_UPSTREAM: 'login:3000' };
  parseConfig(text, { file, env, readFile: () => 'a-token-of-enough-length' });
}

describe('every paper', () => {
  for (const paper of PAPERS) {
    const text = read(paper);
    test(`${paper}: the files and scripts that it names are there`, () => {
      const named = [...text.matchAll(/`((?:src|test|docs|config|scripts|certs)\/[\w./-]+)`/g)].map(
        (match) => match[1]!,
      );
      const made = (path: string) => path.startsWith('certs/') || path.includes('NAME');
      assert.deepEqual(
        named.filter((path) => !made(path) && !existsSync(join(ROOT, path))),
        [],
      );
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
      const asked = [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1]!);
      assert.deepEqual(
        asked.filter((name) => !(name in scripts)),
        [],
      );
    });
  }
});

describe('the README', () => {
  test('begins with the two commands', () => {
    const [start, all] = [README.indexOf('npm ci && npm start'), README.indexOf('npm ci && npm test')];
    assert.ok(start > 0 && all > start);
  });

  test('shows what `gatehouse explain` prints', async () => {
    const explained = shown(README).filter(({ command }) => command.startsWith('npx gatehouse explain'));
    assert.ok(explained.length > 0);
    for (const { command, output } of explained) {
      const args = words(command).slice(2);
      const { code, stdout } = await runProcess(process.execPath, ['src/main.ts', ...args], {
        cwd: ROOT,
        env: process.env,
      });
      assert.equal(code, 0);
      assert.equal(stdout.trimEnd(), output);
    }
  });

  test('shows what its curl line prints', async () => {
    const [curl] = shown(README).filter(({ command }) => command.startsWith('curl'));
    await using zitadel = await startStandIn();
    await using gateway = await startGateway({ zitadel: `127.0.0.1:${zitadel.port}` });
    const { pathname } = new URL(words(curl!.command).at(-1)!);
    const answer = await fetch(gateway.clearUrl + pathname);
    assert.equal(await answer.text(), curl!.output);
  });

  test('has a config of ten lines that compiles', () => {
    const configs = blocks(README, 'yaml').filter((text) => text.includes('listeners:'));
    assert.ok(configs.length > 0);
    for (const text of configs) {
      compiles(text, 'README.md');
      assert.ok(text.trimEnd().split('\n').length <= 11);
    }
  });
});

describe('what is deployed', () => {
  const { services } = parse(read('docs/compose/compose.yaml')) as {
    services: { gatehouse: { ports: string[]; environment: Record<string, string>; volumes: string[] } };
  };
  const fragment = blocks(README, 'yaml')
    .map((text) => parse(text) as { services?: typeof services })
    .find((value) => value.services !== undefined)!.services!.gatehouse;

  test('the config for Compose and the one for Kubernetes compile', () => {
    compiles(read('docs/compose/gateway.yaml'), 'docs/compose/gateway.yaml');
    const manifests = blocks(read('docs/kubernetes.md'), 'yaml').flatMap((text) =>
      parseAllDocuments(text).map((one) => one.toJS()),
    );
    const { data } = manifests.find(({ kind }) => kind === 'ConfigMap') as { data: Record<string, string> };
    compiles(data['gateway.yaml']!, 'docs/kubernetes.md');
    assert.deepEqual(
      manifests.map(({ kind }) => kind),
      ['ConfigMap', 'Deployment', 'Service', 'Service'],
    );
  });

  test('Compose publishes the ports that the image exposes, and mounts where it looks', () => {
    const exposed = /^EXPOSE (.+)$/m.exec(read('Dockerfile'))![1]!.split(' ');
    for (const { ports, volumes } of [services.gatehouse, fragment]) {
      assert.deepEqual(
        ports.map((port) => port.split(':')[1]),
        exposed,
      );
      assert.ok(volumes.includes('./tls:/etc/gatehouse/tls:ro'));
    }
  });

  test('variables that it sets are read by the config that it runs with', () => {
    const reads = (config: string, name: string) => assert.match(read(config), new RegExp(`\\$\\{${name}[:}]`));
    for (const name of Object.keys(services.gatehouse.environment)) reads('docs/compose/gateway.yaml', name);
    for (const name of Object.keys(fragment.environment)) reads('config/gateway.yaml', name);
  });
});

/** A cache that has done nothing. */
const CACHE: CacheFigures = {
  memory: { bytes: 0, max_bytes: 0, entries: 0, fills: 0, evictions: 0, purged: 0, refused: 0, too_large: 0 },
  disk: undefined,
  variants: { made: 0, notWorth: 0, failed: 0, refused: 0, queuedJobs: 0, queuedBytes: 0 },
};

describe('docs/operating.md', () => {
  const text = read('docs/operating.md');
  const section = (title: string): string => text.split(`\n## ${title}\n`)[1]!.split('\n## ')[0]!;
  const named = (part: string): string[] => [...part.matchAll(/`([a-z_]+)(?: [^`]*)?`/g)].map((match) => match[1]!);

  test('names metrics that there are', async (t) => {
    const count = () => 0;
    const options = {
      ...{ version: '0', droppedLines: count, openExchanges: count, openUpstreamStreams: count },
      ...{ occupancies: () => ({}), cache: () => CACHE, endpoints: () => [], certificates: () => [] },
      ...{ pending: () => [], concurrencyLimits: () => [], worker: 'main', workerConnections: () => [] },
      ...{ acme: () => [], pressure: () => ({ level: 0, memoryShort: false }) },
    };
    const metrics = createMetrics(new Events(), options);
    t.after(() => metrics.close());
    const there = new Set((await metrics.snapshot()).map((metric) => (metric as { name: string }).name));
    const names = named(section('Metrics')).filter((name) => name.includes('_') && name !== 'gatehouse_');
    assert.ok(names.length > 15);
    assert.deepEqual(
      names.filter((name) => !there.has(`gatehouse_${name}`) && name !== 'grpc_status'),
      [],
    );
  });

  test('names fields of the access log that there are', () => {
    const source = read('src/telemetry/access-log.ts');
    const fields = named(section('Logs').split('"exchange"`:')[1]!.split('\n\n')[0]!);
    assert.ok(fields.length > 20);
    assert.deepEqual(
      fields.filter((field) => !new RegExp(`^ +${field}:`, 'm').test(source)),
      [],
    );
  });
});
