// Pages: who gets one, and what stands in it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { http } from '../../src/dialects/http.ts';
import { head, refusalOf } from './head.ts';

const get = (headers: Record<string, string>, method = 'GET') => head('', { method, path: '/ui/login/', headers });
const answerTo = (headers: Record<string, string>, method = 'GET') =>
  http.refuse(refusalOf(get(headers, method), 'NO_ENDPOINT', { form: 'html', retryAfterS: 5 }));

for (const [who, headers, type] of [
  ['a browser that opens the address', { 'sec-fetch-dest': 'document', accept: 'text/html,*/*;q=0.8' }, 'text/html'],
  ['a frame', { 'sec-fetch-dest': 'iframe' }, 'text/html'],
  [
    'fetch of a script, even if it asks for HTML',
    { 'sec-fetch-dest': 'empty', accept: 'text/html' },
    'application/json',
  ],
  ['a script of the Console', { 'sec-fetch-dest': 'script', accept: '*/*' }, 'application/json'],
  ['an image', { 'sec-fetch-dest': 'image', accept: 'image/avif,*/*' }, 'application/json'],
  ['a browser without Sec-Fetch-Dest', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }, 'text/html'],
  ['a client that says nothing', {}, 'text/html'],
  ['curl', { accept: '*/*' }, 'text/html'],
  ['a script without Sec-Fetch-Dest', { accept: 'application/json, text/plain, */*' }, 'application/json'],
  ['a client that wants a JSON type', { accept: 'application/problem+json' }, 'application/json'],
  ['a client that takes both', { accept: 'application/json;q=0.5, text/html' }, 'text/html'],
  ['a client that refuses HTML', { accept: 'text/html;q=0, */*;q=0' }, 'application/json'],
  ['a server action of Next.js', { accept: 'text/x-component' }, 'application/json'],
] as const)
  test(`${who} gets ${type}`, () => {
    assert.equal(answerTo(headers).headers['content-type']!.split(';')[0], type);
  });

test('a preflight never gets a page', () => {
  const { headers } = answerTo({ 'access-control-request-method': 'POST', origin: 'https://app.example' }, 'OPTIONS');
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['access-control-allow-origin'], 'https://app.example');
});

test('the page names what happened, when to come again and the request id', () => {
  const { status, body } = answerTo({});
  assert.equal(status, 503);
  assert.match(String(body), /<h1>503 Service Unavailable<\/h1>/);
  assert.match(String(body), /No upstream is available\./);
  assert.match(String(body), /try again in 5 seconds\./);
  assert.match(String(body), /<code>request-1<\/code>/);
});

test('the page loads nothing, runs nothing, cannot be framed or kept, and leads nowhere', () => {
  const { headers, body } = answerTo({ origin: 'https://app.example' });
  const [, style] = /<style>(.*?)<\/style>/s.exec(String(body))!;
  const hash = createHash('sha256').update(style!).digest('base64');
  assert.equal(
    headers['content-security-policy'],
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers.location, undefined);
  assert.equal(headers['access-control-allow-origin'], undefined);
  assert.doesNotMatch(String(body), /<script|<link|<form|<a |src=|href=|http-equiv|\son\w+=|url\(/i);
});

test('a request id that is markup is shown as text', () => {
  const context = { ...refusalOf(get({}), 'NO_ENDPOINT', { form: 'html' }), requestId: `"><img src=x onerror='1'>&` };
  const { body } = http.refuse(context);
  assert.match(String(body), /&quot;&gt;&lt;img src=x onerror=&#39;1&#39;&gt;&amp;/);
  assert.doesNotMatch(String(body), /<img/);
});
