// What an answer says of the endpoint that gave it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endOutcome, headOutcome, type Outcome } from '../../src/upstream/health/outcome.ts';

const head = (status: number, more: Record<string, string> = {}): string[] => [
  ':status',
  String(status),
  ...Object.entries(more).flat(),
];

const GRPC = { 'content-type': 'application/grpc' };

const HEADS: readonly [
  title: string,
  fields: string[],
  ended: boolean,
  deadline: boolean,
  says: Outcome | undefined,
][] = [
  ['200', head(200), false, false, 'success'],
  ['401 to a wrong password', head(401), false, false, 'success'],
  ['404', head(404), true, false, 'success'],
  ['429', head(429), true, false, 'success'],
  ['500', head(500), false, false, 'error'],
  ['501', head(501), false, false, 'success'],
  ['502', head(502), false, false, 'failure'],
  ['503', head(503), false, false, 'failure'],
  ['504', head(504), false, false, 'failure'],
  ['504 when the caller had a deadline', head(504), false, true, undefined],
  ['a gRPC head: the trailers will say', head(200, GRPC), false, false, undefined],
  ['a gRPC answer that is only a head', head(200, { ...GRPC, 'grpc-status': '14' }), true, false, 'failure'],
  ['UNAUTHENTICATED', head(200, { ...GRPC, 'grpc-status': '16' }), true, false, 'success'],
  ['INTERNAL', head(200, { ...GRPC, 'grpc-status': '13' }), true, false, 'error'],
  ['DEADLINE_EXCEEDED of the caller', head(200, { ...GRPC, 'grpc-status': '4' }), true, true, undefined],
  ['DEADLINE_EXCEEDED of nobody', head(200, { ...GRPC, 'grpc-status': '4' }), true, false, 'error'],
  [
    'gRPC-Web, whose end is in the body',
    head(200, { 'content-type': 'application/grpc-web+proto' }),
    false,
    false,
    undefined,
  ],
  [
    'a Connect stream, whose end is in the body',
    head(200, { 'content-type': 'application/connect+json' }),
    false,
    false,
    undefined,
  ],
  ['a Connect call', head(200, { 'content-type': 'application/proto' }), false, false, 'success'],
];

for (const [title, fields, ended, deadline, says] of HEADS) {
  test(`${title}: ${says ?? 'nothing'}`, () => assert.equal(headOutcome(fields, ended, deadline), says));
}

test('trailers say what a gRPC head did not; without a status nothing', () => {
  assert.equal(endOutcome(['grpc-status', '0'], false), 'success');
  assert.equal(endOutcome(['grpc-message', 'x', 'grpc-status', '14'], false), 'failure');
  assert.equal(endOutcome(['grpc-status', '4'], true), undefined);
  assert.equal(endOutcome([], false), undefined);
  assert.equal(endOutcome(undefined, false), undefined);
});

test('whatever a pod sends, it is one of three or nothing, and statuses below 500 never speak against it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 200, max: 599 }),
      fc.dictionary(fc.constantFrom('content-type', 'grpc-status', 'x'), fc.string()),
      fc.boolean(),
      fc.boolean(),
      (status, fields, ended, deadline) => {
        const says = headOutcome(head(status, fields), ended, deadline);
        assert.ok(says === undefined || ['success', 'failure', 'error'].includes(says));
        if (status < 500 && fields['grpc-status'] === undefined) assert.notEqual(says, 'failure');
      },
    ),
  );
});
