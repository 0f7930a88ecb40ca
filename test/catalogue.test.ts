// The catalogue of errors: its own rules, and that docs/errors.md says the same, row by row and both ways.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CATALOGUE, type ErrorCode, type ErrorRow, GrpcStatus } from '../src/core/catalogue.ts';

const DOCS = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
const rows = Object.entries(CATALOGUE) as [ErrorCode, ErrorRow][];

const grpcName = (code: number): string => {
  const found = Object.entries(GrpcStatus).find(([, number]) => number === code);
  assert.ok(found !== undefined, `${code} is a gRPC status`);
  return `${code} ${found[0]}`;
};
const yesNo = (value: boolean): string => (value ? 'yes' : 'no');

/** The line of docs/errors.md that belongs to a row. */
function line([code, row]: [ErrorCode, ErrorRow]): string {
  const rest = row.rest === undefined ? '' : `, in REST ${grpcName(row.rest)}`;
  const cells = [
    `\`${code}\``,
    String(row.http),
    grpcName(row.grpc) + rest,
    row.oauth,
    row.source,
    yesNo(row.retriable),
    yesNo(row.countsAgainstHealth),
    row.level,
    row.message,
    row.remedy,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

test('every code of the catalogue stands in docs/errors.md with all that follows from it, in the same order', () => {
  const documented = DOCS.split('\n').filter((text) => /^\| `[A-Z_]+` \|/.test(text));
  assert.deepEqual(documented, rows.map(line));
});

test('what docs/errors.md calls by a code is in the catalogue', () => {
  for (const [, code] of DOCS.matchAll(/`([A-Z]+_[A-Z_]+|[A-Z]{4,})`/g))
    assert.ok(code! in CATALOGUE || code! in GrpcStatus, `${code} is no code`);
});

test('whose doing it is shows in the HTTP status', () => {
  // A client that wants a stored answer or none gets 504, RFC 9111 section 5.2.1.7.
  const demanded = new Set<ErrorCode>(['NOT_CACHED']);
  for (const [code, row] of rows)
    assert.equal(
      row.http < 500 || demanded.has(code),
      row.source === 'client',
      `${code}: 4xx is the client, 5xx is not`,
    );
});

test('what a client can cause never speaks against an endpoint', () => {
  for (const [code, row] of rows) if (row.source === 'client') assert.equal(row.countsAgainstHealth, false, code);
});

test('statuses are ones that clients know', () => {
  const oauth = new Set([
    'invalid_request',
    'invalid_client',
    'access_denied',
    'server_error',
    'temporarily_unavailable',
    'slow_down',
  ]);
  for (const [code, row] of rows) {
    assert.ok(row.http >= 400 && row.http <= 599, code);
    assert.notEqual(row.http, 421, `${code}: fetch of Node takes a 421 for a network error`);
    assert.ok(row.grpc > 0 && row.grpc <= 16, code);
    assert.ok(row.rest === undefined || (row.rest > 0 && row.rest <= 16 && row.rest !== row.grpc), code);
    assert.ok(oauth.has(row.oauth), `${code}: ${row.oauth}`);
  }
});

test('messages and remedies are sentences for people, and messages hold nothing of the inside', () => {
  for (const [code, row] of rows) {
    assert.match(row.message, /^[A-Z][\x20-\x7e]+$/, code);
    assert.ok(row.message.length <= 80, `${code}: one line`);
    assert.doesNotMatch(row.message, /[`"\\<>%]/, code);
    assert.match(row.remedy, /^[A-Z:][\x20-\x7e]+\.$/, code);
  }
});
