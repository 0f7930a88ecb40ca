/** `npm run test:zitadel -- --url URL`: the protocol matrix and the header rows against any ZITADEL behind any proxy. */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { HYGIENE } from './hygiene.ts';
import { MATRIX } from './matrix.ts';
import { run } from './run.ts';
import { found, heading, line, summary } from './table.ts';
import { hostOf } from './talker.ts';

const USAGE = `Usage: npm run test:zitadel -- --url URL [options]

Asks a ZITADEL, through whatever stands in front of it, what its clients ask, and says what did not come back right.
It reads only: nothing is created, nobody is logged in, no password is tried.

  --url URL         origin to ask: https://login.example.com, http://127.0.0.1:8080
  --host HOST       Host to ask for, where it is not the one of the URL
  --ca FILE         PEM file of authorities to trust
  --insecure        take any certificate
  --timeout-ms N    how long one question may take (5000)
  --total-ms N      when to stop asking (180000)
  --json            print JSON instead of a table
  --help

Exit code: 0 when nothing failed, 1 when a row failed, 2 when this could not be run.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      host: { type: 'string' },
      ca: { type: 'string' },
      insecure: { type: 'boolean', default: false },
      'timeout-ms': { type: 'string', default: '5000' },
      'total-ms': { type: 'string', default: '180000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const url = URL.parse(values.url ?? '');
  const [timeoutMs, totalMs] = [Number(values['timeout-ms']), Number(values['total-ms'])];
  if (url === null || !/^https?:$/.test(url.protocol) || !(timeoutMs > 0) || !(totalMs > 0)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { origin } = url;
  const target = {
    url: origin,
    host: values.host,
    insecure: values.insecure,
    timeoutMs,
    ...(values.ca !== undefined && { ca: readFileSync(values.ca, 'utf8') }),
  };
  const { name, version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const versions = {
    [name]: version,
    node: process.versions.node,
    nghttp2: process.versions.nghttp2!,
    openssl: process.versions.openssl,
  };
  const asked = { url: origin, host: hostOf(target), versions };
  const say = (text: string): void => void (values.json || process.stdout.write(`${text}\n`));

  say(`${heading(asked)}\n`);
  const outcome = await run(
    target,
    { matrix: MATRIX, headers: HYGIENE },
    { signal: AbortSignal.timeout(totalMs), onResult: (result) => say(line(result)) },
  );
  say(`\n${found(outcome)}\n${summary(outcome.results)}`);
  if (values.json) process.stdout.write(`${JSON.stringify({ ...asked, ...outcome }, null, 2)}\n`);
  return outcome.results.some((result) => result.outcome === 'fail') ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
