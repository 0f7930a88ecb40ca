/** Challenges by HTTP-01 at a running gateway: answered before everything else, and only those that are due. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { test } from 'node:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';

const TOKEN = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
const PATH = `/.well-known/acme-challenge/${TOKEN}`;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type: string | undefined;
}

async function ask(url: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
  const { request } = url.startsWith('https') ? https : http;
  const sent = request(url, { method, headers, agent: false, rejectUnauthorized: false }).end();
  const [answer] = await once(sent, 'response');
  const body = (await answer.setEncoding('utf8').toArray()).join('');
  return { status: answer.statusCode!, body, type: answer.headers['content-type'] };
}

async function redirecting(): Promise<TestGateway> {
  const gateway = await startGateway({
    config: {
      hosts: ['login.example.test'],
      listeners: [
        { name: 'public', address: '127.0.0.1:0', tls: { development: true } },
        { name: 'clear', address: '127.0.0.1:0', redirect: {} },
      ],
    },
  });
  gateway.primary.gateway.setChallenges(new Map([[TOKEN, `${TOKEN}.thumbprint`]]));
  return gateway;
}

test('answers a challenge that is due at a redirect listener, whatever the host', async () => {
  await using gateway = await redirecting();
  for (const host of ['login.example.test', 'unknown.test']) {
    const answer = await ask(`${gateway.clearUrl}${PATH}`, 'GET', { host });
    assert.deepEqual(answer, { status: 200, body: `${TOKEN}.thumbprint`, type: 'application/octet-stream' });
  }
  assert.deepEqual(await gateway.announcement('acme_challenge'), { listener: 'clear' });
  assert.equal(gateway.ended.length, 0, 'it is no exchange');
});

test('everything else is redirected as ever', async () => {
  await using gateway = await redirecting();
  const headers = { host: 'login.example.test' };
  for (const path of [`${PATH}x`, `${PATH}/`, `${PATH}?a`, PATH.replace('-', '%2D'), PATH.toUpperCase(), '/']) {
    assert.notEqual((await ask(`${gateway.clearUrl}${path}`, 'GET', headers)).status, 200, path);
  }
  for (const method of ['POST', 'HEAD', 'PUT']) {
    assert.notEqual((await ask(`${gateway.clearUrl}${PATH}`, method, headers)).status, 200, method);
  }
  assert.notEqual((await ask(`${gateway.url}${PATH}`, 'GET', headers)).status, 200, 'over TLS');
});

test('a challenge that is over is no more answered', async () => {
  await using gateway = await redirecting();
  gateway.primary.gateway.setChallenges(new Map());
  const { status } = await ask(`${gateway.clearUrl}${PATH}`, 'GET', { host: 'login.example.test' });
  assert.equal(status, 308);
});
