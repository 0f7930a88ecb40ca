/** What it costs to make the fields that go on: of a request to the upstream, of an answer to the client. */

import assert from 'node:assert/strict';
import {
  answerFields,
  getField,
  type RequestFieldsInput,
  requestFields,
  trailerFields,
} from '../../src/core/headers.ts';
import type { Fields } from '../../src/core/raw.ts';
import { type Case, measured } from './case.ts';
import { ANSWER_FIELDS, BROWSER_FIELDS, GRPC_FIELDS } from './requests.ts';

function input(fields: Readonly<Fields>, grpc: boolean): RequestFieldsInput {
  return {
    fields: [...fields],
    clientAddress: '203.0.113.7',
    scheme: 'https',
    requestId: '7d1b8a1e-6f0a-4e7d-9c1b-2f6a3b4c5d6e',
    grpc,
    internal: false,
    traceContext: true,
  };
}

const browser = input(BROWSER_FIELDS, false);
const grpc = input(GRPC_FIELDS, true);
const SPOOFED = [
  'x-forwarded-for',
  'x-forwarded-host',
  'forwarded',
  'x-zitadel-instance-host',
  'x-real-ip',
  'connection',
];
const spoofing = input([...BROWSER_FIELDS, ...SPOOFED.flatMap((name) => [name, 'x-smuggled, keep-alive'])], false);
const answer = [...ANSWER_FIELDS];
const trailers = ['grpc-status', '0', 'grpc-message', ''];

/** Three fields more: who the client is, by which scheme it came, and the request id. */
const ADDED = 3;

export const cases: readonly Case[] = [
  measured(
    `request of a browser, ${BROWSER_FIELDS.length / 2} fields`,
    () => requestFields(browser),
    (fields) => {
      assert.equal(fields.length / 2, BROWSER_FIELDS.length / 2 + ADDED);
      assert.equal(getField(fields, 'x-forwarded-for'), '203.0.113.7');
    },
  ),
  measured(
    `request of grpc-js, ${GRPC_FIELDS.length / 2} fields`,
    () => requestFields(grpc),
    (fields) => {
      assert.equal(fields.length / 2, GRPC_FIELDS.length / 2 + ADDED);
      assert.equal(getField(fields, 'te'), 'trailers');
    },
  ),
  measured(
    'request that says what it may not',
    () => requestFields(spoofing),
    (fields) => {
      assert.equal(fields.length / 2, BROWSER_FIELDS.length / 2 + ADDED);
      assert.equal(getField(fields, 'x-forwarded-host'), undefined);
    },
  ),
  measured(
    `answer of the Console, ${ANSWER_FIELDS.length / 2} fields`,
    () => answerFields(answer),
    (fields) => {
      assert.equal(fields.length, answer.length - 2);
      assert.equal(getField(fields, ':status'), undefined);
    },
  ),
  measured(
    'trailers of gRPC',
    () => trailerFields(trailers),
    (fields) => assert.deepEqual(fields, trailers),
  ),
];
