// h2spec, which plays a client that breaks each rule of RFC 7540 and RFC 7541, against a whole gateway on each engine.
// Harm: an engine that takes what no peer may send gets out of step with one behind or before it, and a connection that
// should end does not. What fails is listed with its reason; the list can neither grow nor go out of date.

import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { say } from '../support/programs.ts';
import { build } from './go-tools.ts';
import { startStage } from './stage.ts';

/** Why a case fails, by the number of its section and what it does. */
type Known = Readonly<Record<string, string>>;

const SNIFFED = 'a cleartext listener takes bytes that are no preface for HTTP/1.1, says 400 in it and closes';
const PRIORITIES = 'RFC 9113 section 5.3.2 has done away with dependencies: the priority is not looked at';
const LET_GO = 'nghttp2 forgets a stream that is closed, and drops what comes for it instead of ending the connection';

const FRAMES: Known = {
  'http2/5.3.1 Sends HEADERS frame that depend on itself': PRIORITIES,
  'http2/5.3.1 Sends PRIORITY frame that depend on itself': PRIORITIES,
};

const NODE: Known = {
  'http2/5.1 closed: Sends a DATA frame after sending RST_STREAM frame': LET_GO,
  'http2/5.1 closed: Sends a HEADERS frame after sending RST_STREAM frame': LET_GO,
  'http2/5.1 closed: Sends a DATA frame': LET_GO,
  'http2/5.1 closed: Sends a HEADERS frame': LET_GO,
  'http2/5.1.1 Sends stream identifier that is numerically smaller than previous': LET_GO,
  'http2/5.3.1 Sends PRIORITY frame that depend on itself': PRIORITIES,
  'http2/6.3 Sends a PRIORITY frame with 0x0 stream identifier': PRIORITIES,
  'http2/6.7 Sends a PING frame with ACK': 'Node ends a connection that acknowledges a PING nobody sent',
  'http2/6.9.1 Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream':
    'nghttp2 ends the connection, where the stream alone would do',
};

const CLEAR: Known = { 'http2/3.5 Sends invalid connection preface': SNIFFED };

/** How long a case may wait, in seconds: each that is known to fail by silence takes so long. */
const WAIT_S = 2;
/** For one that fails and is not known to: not of a busy machine. */
const LONG_WAIT_S = 15;

const built = await build('h2spec');
const options = 'skip' in built ? { skip: built.skip } : {};

interface Result {
  readonly cases: number;
  /** By the number of the section and what was done, with the id that h2spec runs it alone by. */
  readonly failed: Map<string, string>;
}

async function run(args: readonly string[], only: readonly string[] = []): Promise<Result> {
  if ('skip' in built) throw new Error(built.skip);
  const report = join(tmpdir(), `h2spec-${process.pid}-${args.join('')}.xml`.replaceAll('/', '-'));
  const { code, stdout, stderr } = await say(built.tools.h2spec, [...args, '-j', report, ...only], {
    timeout: 150_000,
  });
  const xml = await readFile(report, 'utf8').catch(() => '');
  await rm(report, { force: true });
  assert.ok(code === 0 || code === 1, `h2spec ended with ${code}: ${stdout.toString().slice(-2000)}${stderr}`);
  const failed = new Map<string, string>();
  let cases = 0;
  let section = '';
  let nth = 0;
  for (const [, suite, title, rest] of xml.matchAll(
    /<testcase package="([^"]+)" classname="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g,
  )) {
    nth = suite === section ? nth + 1 : 1;
    section = suite!;
    cases += 1;
    if (rest!.trim() !== '') failed.set(`${suite} ${title}`, `${suite}/${nth}`);
  }
  return { cases, failed };
}

for (const [engine, known] of [
  ['frames', FRAMES],
  ['node', NODE],
] as const) {
  test(`h2spec, strict: engine ${engine} fails what is listed and nothing else`, {
    ...options,
    concurrency: true,
  }, async (t) => {
    await using stage = await startStage({ config: { limits: { http2_engine: engine } } });
    const { gateway } = stage;
    const over = (way: string, args: readonly string[], expected: Known) =>
      t.test(way, async (sub) => {
        const common = [...args, '-S', '-P', '/demo/status'];
        const { cases, failed } = await run([...common, '-o', String(WAIT_S)]);
        for (const [title, id] of failed) {
          if (title in expected) continue;
          const again = await run([...common, '-o', String(LONG_WAIT_S)], [id]);
          assert.equal(again.cases, 1, `${id} is one case`);
          if (again.failed.size === 0) failed.delete(title);
        }
        sub.diagnostic(`engine ${engine}, ${way}: ${cases - failed.size} of ${cases} cases pass`);
        assert.equal(cases, 146);
        assert.deepEqual([...failed.keys()].toSorted(), Object.keys(expected).toSorted());
      });
    await Promise.all([
      over('over TLS', ['-t', '-k', '-p', String(gateway.port('public'))], known),
      over('in the clear', ['-p', String(gateway.port('clear'))], { ...known, ...CLEAR }),
    ]);
  });
}
