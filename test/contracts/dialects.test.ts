// Every code of the catalogue, in every dialect and form: an answer that is well-formed and says no more than it may.
// A new dialect is picked up from the list, a new code from the catalogue.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CATALOGUE, type ErrorCode } from '../../src/core/catalogue.ts';
import { GatewayError } from '../../src/core/errors.ts';
import type { RefusalForm, RequestHead } from '../../src/core/exchange.ts';
import { fieldName, fieldValue } from '../../src/core/headers.ts';
import { DIALECTS, dialectOf } from '../../src/dialects/index.ts';
import { head, refusalOf } from '../dialects/head.ts';

const CODES = Object.keys(CATALOGUE) as ErrorCode[];
const FORMS: readonly RefusalForm[] = ['rest', 'oauth', 'scim', 'html', 'text'];
const ORIGIN = { origin: 'https://app.example' };

/** One caller of each kind, and what its answers look like to it. */
const CALLERS: readonly {
  who: string;
  head: RequestHead;
  read: (body: string | Buffer | null, form: RefusalForm) => unknown;
}[] = [
  { who: 'grpc', head: head('application/grpc+proto', { headers: ORIGIN }), read: (body) => assert.equal(body, null) },
  { who: 'grpc-web', head: head('application/grpc-web+proto', { headers: ORIGIN }), read: readFrame },
  {
    who: 'grpc-web text',
    head: head('application/grpc-web-text', { headers: ORIGIN, http: 1 }),
    read: (body) => readFrame(Buffer.from(String(body), 'base64')),
  },
  {
    who: 'connect in JSON',
    head: head('application/json', { path: '/zitadel.user.v2.UserService/GetUserByID' }),
    read: readJson,
  },
  { who: 'connect in proto', head: head('application/proto', { headers: ORIGIN }), read: readJson },
  { who: 'a connect stream', head: head('application/connect+json', { headers: ORIGIN }), read: readFrame },
  { who: 'plain HTTP', head: head('', { method: 'GET', path: '/v2/users', headers: ORIGIN }), read: readForm },
  { who: 'gRPC over HTTP/1.1', head: head('application/grpc', { http: 1 }), read: readJson },
];

function readFrame(body: string | Buffer | null): void {
  assert.ok(Buffer.isBuffer(body));
  assert.equal(body.readUInt32BE(1), body.length - 5, 'one frame and nothing after it');
}

function readJson(body: string | Buffer | null): void {
  const json = JSON.parse(String(body)) as Record<string, unknown>;
  assert.equal(typeof json.message, 'string');
  assert.ok(json.code !== undefined);
}

function readForm(body: string | Buffer | null, form: RefusalForm): void {
  const text = String(body);
  if (form === 'text') assert.match(text, /^[^\n]+\n$/);
  else if (form === 'html') assert.match(text, /^<!doctype html>\n<html lang="en">[\s\S]+<\/html>\n$/);
  else if (form === 'rest') readJson(body);
  else if (form === 'scim') assert.ok(Array.isArray(JSON.parse(text).schemas));
  // RFC 6749 section 5.2 has no quotation mark and no backslash in these.
  else
    for (const value of Object.values(JSON.parse(text))) assert.match(String(value), /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
}

test('the callers above speak every dialect of the list', () => {
  const spoken = new Set(CALLERS.map((caller) => dialectOf(caller.head)));
  for (const dialect of DIALECTS) assert.ok(spoken.has(dialect), dialect.name);
});

for (const { who, head: requestHead, read } of CALLERS) {
  const dialect = dialectOf(requestHead);
  test(`${who} gets a well-formed answer for every code, on a route of every form`, () => {
    for (const code of CODES)
      for (const form of FORMS) {
        const details = { detail: 'SECRET-DETAIL', cause: new Error('SECRET-CAUSE'), retryAfterS: 3, allow: ['GET'] };
        const { status, headers, body } = dialect.refuse(refusalOf(requestHead, code, { form, ...details }));
        const where = `${code} ${form}`;
        assert.ok(Number.isInteger(status) && status >= 200 && status < 600, where);
        if (dialect.name === 'http') assert.equal(status, CATALOGUE[code].http, where);
        for (const [name, value] of Object.entries(headers)) {
          assert.ok(fieldName(name), `${where}: ${name}`);
          assert.ok(fieldValue(value) && /^[\x20-\x7e]+$/.test(value), `${where}: ${name}: ${value}`);
        }
        assert.equal(headers['x-request-id'], 'request-1', where);
        assert.equal(headers['cache-control'], 'no-store', where);
        assert.equal(headers['retry-after'], '3', where);
        assert.ok(headers['content-type'], where);
        assert.equal(headers['content-length'], undefined, 'left to who sends it');
        const said = JSON.stringify(headers) + String(body);
        assert.doesNotMatch(said, /SECRET/, `${where}: details are for the log`);
        read(body, form);
      }
  });

  test(`${who} is told of a failure after the head in its own way, or not at all`, () => {
    for (const code of CODES) {
      const error = new GatewayError(code);
      const trailers = dialect.endWith(error);
      const last = dialect.endFrame?.(error, requestHead);
      assert.ok(trailers === undefined || last === undefined, 'by trailers or by a frame, never both');
      if (trailers !== undefined) assert.equal(trailers.length % 2, 0);
      if (last !== undefined) readFrame(last);
    }
  });
}
