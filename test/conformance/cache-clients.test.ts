// The Console through curl, nghttp and h2load with every Accept-Encoding, before and after its codings are made.
// Harm: programs that people check a deployment with say something else than browsers do.

import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { consoleFiles } from '../../src/demo/console/files.ts';
import type { CodingName } from '../../src/encoding/coding.ts';
import { codingOf } from '../../src/encoding/index.ts';
import { needs, program, say } from '../support/programs.ts';
import { type Stage, startStage } from './stage.ts';

let stage: Stage;
const caFile = join(tmpdir(), `gatehouse-cache-ca-${process.pid}.pem`);

before(async () => {
  stage = await startStage();
  await writeFile(caFile, stage.gateway.ca);
});
after(async () => {
  await rm(caFile, { force: true });
  await stage[Symbol.asyncDispose]();
});

const FILES = consoleFiles();
const NAMES = ['main.', 'styles.', 'index.html', 'favicon.ico'].flatMap((start) => {
  const name = [...FILES.keys()].find((one) => one.startsWith(start));
  return name === undefined ? [] : [name];
});

/** The coding that an Accept-Encoding gets once all are made; undefined for none. */
const ACCEPTED: [field: string, coding: CodingName | undefined][] = [
  ['', undefined],
  ['identity', undefined],
  ['br', 'br'],
  ['zstd', 'zstd'],
  ['gzip', 'gzip'],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip, deflate', 'gzip'],
  ['br;q=0.5, gzip;q=0.9', 'gzip'],
  ['*', 'gzip'],
  ['br;q=0, *;q=0', undefined],
  ['compress, x-gzip', 'gzip'],
];

function pathOf(name: string): string {
  return name === 'index.html' ? '/ui/console/' : `/ui/console/${name}`;
}

interface Curled {
  readonly fields: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly of: (name: string) => string[];
}

async function curl(path: string, ...args: string[]): Promise<Curled> {
  const { code, stdout, stderr } = await say(program('curl'), [
    '-sS',
    '-i',
    '--cacert',
    caFile,
    ...args,
    stage.gateway.url + path,
  ]);
  assert.equal(code, 0, stderr);
  const end = stdout.indexOf('\r\n\r\n');
  const [first, ...lines] = stdout.subarray(0, end).toString('latin1').split('\r\n');
  assert.match(first!, / 200/);
  const fields = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return {
    fields,
    body: stdout.subarray(end + 4),
    of: (name) => fields.filter(([one]) => one === name).map(([, value]) => value),
  };
}

/** The file as the origin has it. */
async function original(name: string): Promise<Buffer> {
  const answer = await fetch(stage.standIn.url + pathOf(name));
  return Buffer.from(await answer.arrayBuffer());
}

for (const made of [false, true]) {
  test(
    `curl, ${made ? 'after' : 'before'} the codings are made: every Accept-Encoding decodes to the origin's bytes`,
    needs('curl'),
    async () => {
      if (made) await stage.gateway.primary.generation.services.cache.maker.idle();
      for (const name of NAMES) {
        const bytes = await original(name);
        const tags = new Map<string, string | undefined>();
        for (const [i, [field, coding]] of ACCEPTED.entries()) {
          const protocol = i % 2 === 0 ? '--http2' : '--http1.1';
          const got = await curl(
            pathOf(name),
            protocol,
            '-H',
            field === '' ? 'accept-encoding;' : `accept-encoding: ${field}`,
          );
          const [said, ...more] = got.of('content-encoding');
          assert.deepEqual(more, []);
          if (made && bytes.length > 1024 && !name.endsWith('.ico')) assert.equal(said, coding, `${name} ${field}`);
          const plain = said === undefined ? got.body : codingOf(said as CodingName).decode(got.body, 64 << 20);
          assert.ok(bytes.equals(plain), `${name} ${field}`);
          assert.ok(
            got
              .of('vary')
              .join()
              .split(/accept-encoding/i).length <= 2,
          );
          if (said !== undefined) assert.match(got.of('vary').join(), /accept-encoding/i);
          const [tag] = got.of('etag');
          if (!made || tag === undefined) continue;
          assert.equal(tags.get(tag) ?? `${said}`, `${said}`, 'a tag is of one coding');
          tags.set(tag, `${said}`);
        }
        for (const protocol of ['--http2', '--http1.1']) {
          const { body } = await curl(pathOf(name), protocol, '--compressed');
          assert.ok(bytes.equals(body), `--compressed ${name}`);
        }
      }
    },
  );
}

// Neither of them sends an empty field.
test('nghttp gets the page and what it loads, in every coding', needs('nghttp'), async () => {
  for (const [field] of ACCEPTED.slice(1)) {
    const args = [
      '--no-verify-peer',
      '-v',
      '-n',
      '-H',
      `accept-encoding: ${field}`,
      `${stage.gateway.url}/ui/console/`,
    ];
    const { code, stdout, stderr } = await say(program('nghttp'), args);
    assert.equal(code, 0, stderr);
    const text = stdout.toString('latin1');
    assert.match(text, /:status: 200/);
    assert.ok((text.match(/content-encoding: /g)?.length ?? 0) <= 1);
    assert.doesNotMatch(text, /RST_STREAM|error_code=(?!NO_ERROR)/);
  }
});

test('h2load: all answers are complete, and of one size for one Accept-Encoding', needs('h2load'), async () => {
  await stage.gateway.primary.generation.services.cache.maker.idle();
  const path = pathOf(NAMES[0]!);
  for (const [field] of ACCEPTED.slice(1)) {
    const { body } = await curl(path, '-H', `accept-encoding: ${field}`);
    const args = ['-n', '40', '-c', '2', '-m', '10', '-H', `accept-encoding: ${field}`, stage.gateway.url + path];
    const { code, stdout } = await say(program('h2load'), args);
    assert.equal(code, 0);
    const text = stdout.toString();
    assert.match(text, /40 succeeded, 0 failed, 0 errored, 0 timeout/);
    assert.match(text, /\((\d+)\) data/);
    assert.equal(Number(/headers \(space[^)]*\), [\d.]+\w+ \((\d+)\) data/.exec(text)?.[1]), 40 * body.length);
  }
});
