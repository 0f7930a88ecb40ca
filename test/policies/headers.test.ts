// What an operator sets on requests and answers, after the gateway's own hygiene.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Exchange } from '../../src/core/exchange.ts';
import { headers } from '../../src/policies/headers.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, enter, exchangeOf } from './asked.ts';

const clock = new HandClock();

function answered(options: object, fields: string[], scheme: 'http' | 'https' = 'https'): string[] {
  const answer: Answer = { status: 200, fields: [...fields], ended: false, source: 'upstream', sink: undefined };
  const { client, ...rest } = exchangeOf(clock, {});
  const exchange = { ...rest, client: { ...client, scheme } } as unknown as Exchange;
  headers.hooks(headers.options.parse(options), contextOf(clock)).onAnswer?.(exchange, answer);
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

test('what is only for https is not said to who came by http (RFC 6797 section 7.2)', () => {
  const options = { answer: { default_https: { 'strict-transport-security': 'max-age=9' } } };
  assert.deepEqual(answered(options, []), ['strict-transport-security', 'max-age=9']);
  assert.deepEqual(answered(options, [], 'http'), []);
  const theirs = ['strict-transport-security', 'max-age=1'];
  for (const scheme of ['http', 'https'] as const) assert.deepEqual(answered(options, theirs, scheme), theirs);
});

test('who may frame a page is not said twice: a default X-Frame-Options gives way to frame-ancestors', () => {
  const options = { answer: { default: { 'x-frame-options': 'DENY' } } };
  const filled = (...fields: string[]): boolean => answered(options, fields).includes('DENY');
  const policy = (text: string) => ['content-security-policy', text];
  assert.equal(filled(), true);
  assert.equal(filled('x-frame-options', 'SAMEORIGIN'), false);
  assert.equal(filled(...policy("default-src 'none'; Frame-Ancestors https://portal.example")), false);
  assert.equal(filled(...policy('frame-ancestors')), false);
  assert.equal(filled(...policy("default-src 'self'"), ...policy("frame-ancestors 'self'")), false);
  assert.equal(filled(...policy("default-src 'self', frame-ancestors 'self'")), false);
  assert.equal(filled(...policy("default-src 'self'; report-uri /frame-ancestors; x-frame-ancestors y")), true);
  assert.equal(filled('content-security-policy-report-only', "frame-ancestors 'self'"), true);
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
