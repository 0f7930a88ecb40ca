// What an operator sets on requests and answers, after the gateway's own hygiene.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../src/core/exchange.ts';
import { headers } from '../../src/policies/headers.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, enter, exchangeOf } from './asked.ts';

const clock = new HandClock();

function answered(options: object, fields: string[]): string[] {
  const answer: Answer = { status: 200, fields: [...fields], ended: false, source: 'upstream', sink: undefined };
  headers.hooks(headers.options.parse(options), contextOf(clock)).onAnswer?.(exchangeOf(clock, {}), answer);
  return answer.fields;
}

test('requests: removals come first, and what is set replaces what came', () => {
  const exchange = exchangeOf(clock, {});
  const options = headers.options.parse({ request: { set: { 'X-Team': 'red' }, remove: ['x-old', 'X-TEAM'] } });
  assert.equal(enter(headers.hooks(options, contextOf(clock)), exchange), undefined);
  assert.deepEqual(exchange.requestEdits, [
    { name: 'x-old', value: undefined },
    { name: 'x-team', value: undefined },
    { name: 'x-team', value: 'red' },
  ]);
});

test('answers: set replaces every occurrence, default only fills a gap, remove takes all', () => {
  const options = { answer: { set: { 'x-a': '1' }, default: { 'x-b': '2', 'x-c': '3' }, remove: ['server'] } };
  const fields = ['x-a', 'old', 'server', 'x', 'x-a', 'older', 'x-b', 'theirs'];
  assert.deepEqual(answered(options, fields), ['x-b', 'theirs', 'x-a', '1', 'x-c', '3']);
});

test('an answer that passes twice is not harmed', () => {
  const options = { answer: { set: { 'x-a': '1' }, default: { 'x-b': '2' } } };
  const once = answered(options, []);
  assert.deepEqual(answered(options, once).sort(), [...once].sort());
});

test('fields that the gateway owns, names and values that are none: refused when the config is read', () => {
  for (const name of ['Host', 'x-forwarded-for', 'Connection', 'te', ':path', 'a b', 'ä', '']) {
    assert.equal(headers.options.safeParse({ request: { set: { [name]: 'x' } } }).success, false, name);
  }
  for (const value of ['a\r\nb', 'a\nb', '\0', ' a', 'a ']) {
    assert.equal(
      headers.options.safeParse({ answer: { set: { 'x-a': value } } }).success,
      false,
      JSON.stringify(value),
    );
  }
});

test('a route without changes has no hooks', () => {
  assert.deepEqual(headers.hooks(headers.options.parse({}), contextOf(clock)), {});
});
