// What is kept with a stored answer for the next request changes nothing of what is said.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { StoredAnswer } from '../../src/cache/stored.ts';
import type { Answer, BodySource, Exchange } from '../../src/core/exchange.ts';
import type { Fields } from '../../src/core/raw.ts';
import { serve } from '../../src/policies/cache/served.ts';
import { answerOf } from '../cache/stored-answers.ts';

const NOW = Date.UTC(2026, 0, 1, 0, 1);
const BODY = 'a body that is long enough for parts of it';
const FIELDS = ['content-type', 'text/plain', 'last-modified', 'Wed, 31 Dec 2025 00:00:00 GMT'];

/** Codings that stand in for those that are not made, by what they are of. */
type StandIns = Map<string, Uint8Array>;

function ask(stored: StoredAnswer, fields: Fields, acceptEncoding: string | undefined, standIns: StandIns = new Map()) {
  let said: { answer: Answer; body: string } | undefined;
  const exchange = {
    head: { method: 'GET', headers: { 'accept-encoding': acceptEncoding } },
    raw: { fields },
    answer(answer: Answer, source: BodySource & { whole: readonly Uint8Array[] }) {
      // What becomes of the fields on their way is nothing that the next request may see.
      said = { answer: { ...answer, fields: answer.fields.slice() }, body: Buffer.concat(source.whole).toString() };
      answer.fields.push('added', 'later');
      answer.fields[1] = 'changed';
    },
  } as unknown as Exchange;
  serve(exchange, stored, { hit: true }, NOW, {
    varies: () => true,
    standIn: (_stored, coding) => standIns.get(coding),
    best: (_stored, coding) => standIns.delete(coding),
  });
  return said!;
}

const same = (stored: StoredAnswer): StoredAnswer => ({ ...stored });

test('whatever was asked before, an answer is as it would be for the first request', () => {
  const tag = fc.constantFrom('"t"', 'W/"t"', '"t-br"', 'W/"t-br"', 'W/"t-gzip"', '"t-zstd"', '"other"', '*');
  const request = fc.record({
    encoding: fc.constantFrom(undefined, 'br', 'gzip', 'zstd, br', 'identity'),
    fields: fc.oneof<fc.Arbitrary<Fields>[]>(
      fc.array(tag, { minLength: 1, maxLength: 3 }).map((tags) => ['if-none-match', tags.join(', ')]),
      tag.map((one) => ['if-match', one]),
      fc.constant(['if-modified-since', 'Thu, 01 Jan 2026 00:00:00 GMT']),
      tag.map((one) => ['range', 'bytes=1-3', 'if-range', one]),
      fc.constant([]),
    ),
  });
  const coding = fc.constantFrom('br', 'gzip', 'zstd');
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 4, arbitrary: request }, coding, fc.record({ quick: coding }))),
      fc.boolean(),
      (steps, tagged) => {
        const stored = answerOf(BODY, { fields: [...FIELDS, ...(tagged ? ['etag', '"t"'] : [])] });
        const standIns: StandIns = new Map();
        for (const step of steps) {
          if (typeof step === 'string') stored.codings.set(step, Buffer.from(`${step} of it`));
          else if ('quick' in step) standIns.set(step.quick, Buffer.from(`quick ${step.quick} of it`));
          else {
            const { fields, encoding } = step;
            const fresh = ask(same(stored), fields, encoding, new Map(standIns));
            assert.deepEqual(ask(stored, fields, encoding, standIns), fresh);
          }
        }
      },
    ),
  );
});

test('a 304 names the tag that the client has, also of a coding that came after the first 304', () => {
  const stored = answerOf(BODY, { fields: [...FIELDS, 'etag', '"t"'] });
  const tagOf = (had: string): unknown => {
    const { fields, status } = ask(stored, ['if-none-match', had], 'br').answer;
    return [status, fields[fields.indexOf('etag') + 1]];
  };
  assert.deepEqual(tagOf('"t"'), [304, '"t"']);
  assert.deepEqual(tagOf('W/"t-br"'), [304, 'W/"t-br"']);
  stored.codings.set('br', Buffer.from('coded'));
  assert.deepEqual(tagOf('"t-br"'), [304, '"t-br"']);
  assert.deepEqual(tagOf('W/"t-br"'), [304, 'W/"t-br"']);
  assert.deepEqual(tagOf('"t"'), [304, '"t"']);
});
