// The protocol matrix of ZITADEL and the header rows through the gateway: cleartext and TLS, HTTP/1.1 and HTTP/2.
// Harm: the failures that users of proxies in front of ZITADEL report most are rows of this table.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startStage } from '../conformance/stage.ts';
import { HYGIENE } from './hygiene.ts';
import { MATRIX, type Row } from './matrix.ts';
import { type Result, run } from './run.ts';

// With its domains named, so that a request for another instance is not answered.
const stage = await startStage({ standIn: { domains: ['127.0.0.1'] } });
after(() => stage[Symbol.asyncDispose]());

/** A row is a test, once for each protocol. */
function report(results: readonly Result[], rows: readonly Row[]): void {
  for (const { id, title, protocol, outcome, detail } of results) {
    // A skipped row counts as failed here: everything that can be open is.
    test(`${id}: ${title}, over ${protocol}`, () => assert.ok(outcome === 'pass', detail ?? outcome));
  }
  test('every row was asked', () => {
    assert.equal(
      results.length,
      rows.reduce((count, { over }) => count + over.length, 0),
    );
  });
}

// All is asked before the first test is declared: node:test ends a file when its tests so far are over.
const asked = [];
for (const [name, url] of [
  ['TLS', stage.gateway.url],
  ['cleartext', stage.gateway.clearUrl],
] as const) {
  const target = { url, ca: stage.gateway.ca, timeoutMs: 10_000 };
  asked.push({ name, results: (await run(target, { matrix: MATRIX, headers: HYGIENE })).results });
}

for (const { name, results } of asked) {
  describe(`the matrix over ${name}`, () =>
    report(
      results.filter(({ group }) => group === 'matrix'),
      MATRIX,
    ));
  describe(`the header rows over ${name}`, () =>
    report(
      results.filter(({ group }) => group === 'headers'),
      HYGIENE,
    ));
}

test('no row let a spoofable header through to ZITADEL', () => {
  const spoofed =
    /^(?:x-zitadel-(?:instance-host|public-host|forwarded|forward-host)|forwarded|x-original-url|x-rewrite-url|grpc-metadata-.*)$/;
  const seen = stage.standIn.requests.flatMap(({ rawHeaders }) =>
    rawHeaders.filter((name, i) => i % 2 === 0 && spoofed.test(name.toLowerCase())),
  );
  assert.deepEqual(seen, []);
});
