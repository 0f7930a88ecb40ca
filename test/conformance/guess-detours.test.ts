// Guesses that go round the limit of the account: by beginning a login for nothing and guessing under its id, and with
// the id where a server reads it and a form does not have it. With nothing but the preset.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { USERS } from '../../src/demo/state.ts';
import { startStage } from './stage.ts';

const [ADMIN, USER] = USERS;
const stage = await startStage({ config: { trusted_proxies: ['127.0.0.1'] } });
after(() => stage[Symbol.asyncDispose]());
const { clearUrl } = stage.gateway;

/** Sends JSON from an address; gives the status and the answer. */
async function call(method: string, path: string, address: string, body: object) {
  const answer = await fetch(clearUrl + path, {
    method,
    headers: { 'content-type': 'application/json', authorization: 'Bearer token', 'x-forwarded-for': address },
    body: JSON.stringify(body),
  });
  return { status: answer.status, said: (await answer.json()) as { sessionId?: string } };
}

const begin = (name: string, address: string, password?: string) =>
  call('POST', '/v2/sessions', address, {
    checks: { user: { loginName: name }, ...(password !== undefined && { password: { password } }) },
  });

test('attack: sessions begun for nothing, each guessed at a few times, are bounded by the account', async (t) => {
  const home = '203.0.113.20';
  assert.equal((await begin(ADMIN!.loginName, home, ADMIN!.password)).status, 201, 'before the attack');
  const before = stage.standIn.wrongAttempts.get(ADMIN!.loginName) ?? 0;
  const started = performance.now();
  let sessions = 0;
  for (let i = 0; i < 100; i += 1) {
    const address = `198.18.0.${i}`;
    const { status, said } = await begin(ADMIN!.loginName, address);
    if (status !== 201) continue;
    sessions += 1;
    await Promise.all(
      Array.from({ length: 20 }, (_, guess) =>
        call('PATCH', `/v2/sessions/${said.sessionId}`, address, { checks: { password: { password: `${guess}` } } }),
      ),
    );
  }
  const reached = (stage.standIn.wrongAttempts.get(ADMIN!.loginName) ?? 0) - before;
  // 30 sessions at once, then 60 in 300 s, and of each 8 guesses at once, then 10 in 300 s.
  const seconds = Math.ceil((performance.now() - started) / 1000);
  const most = (30 + Math.ceil(seconds / 5)) * (8 + Math.ceil(seconds / 30));
  t.diagnostic(`${sessions} sessions, ${reached} guesses of 2000 reached ZITADEL (bound ${most})`);
  assert.ok(sessions >= 29 && reached <= most, `${reached} reached it, ${most} may`);
  assert.equal((await begin(ADMIN!.loginName, home, ADMIN!.password)).status, 201, 'its user gets in meanwhile');
});

test('attack: a session begun without a secret makes no device known: the next guesses count for the account', async () => {
  const name = USER!.loginName;
  let reached = 0;
  for (let i = 0; i < 20; i += 1) {
    const address = `198.19.0.${i}`;
    await begin(name, address);
    if ((await begin(name, address, 'wrong')).status === 400) reached += 1;
  }
  assert.ok(reached <= 11, `${reached} of 20, from as many addresses`);
});

test('attack: the id of the login in the query, in multipart or in capitals is the same login', async () => {
  const counted = async (
    id: string,
    send: (id: string) => [query: string, body: NonNullable<RequestInit['body']>],
  ): Promise<number> => {
    let admitted = 0;
    for (let i = 0; i < 20; i += 1) {
      const [query, body] = send(id);
      const answer = await fetch(`${clearUrl}/ui/login/password${query}`, {
        method: 'POST',
        body,
        redirect: 'manual',
        headers: { 'x-forwarded-for': `198.20.0.${i}` },
      });
      await answer.arrayBuffer();
      if (answer.status !== 429 && answer.status !== 415) admitted += 1;
    }
    return admitted;
  };
  const multipart = (id: string): FormData => {
    const form = new FormData();
    form.set('authRequestID', id);
    return form;
  };
  assert.ok((await counted('1', (id) => [`?authRequestID=${id}`, new URLSearchParams({ password: 'x' })])) <= 9);
  assert.ok((await counted('2', (id) => ['', multipart(id)])) <= 9);
  assert.ok((await counted('3', (id) => ['', new URLSearchParams({ AUTHREQUESTID: id })])) <= 9);
});

test('attack: a login hint begins a login too: those of one account are bounded, from wherever they come', async () => {
  let admitted = 0;
  for (let i = 0; i < 100; i += 1) {
    const answer = await fetch(`${clearUrl}/oauth/v2/authorize?client_id=x&login_hint=joe@acme.example`, {
      redirect: 'manual',
      headers: { 'x-forwarded-for': `198.21.0.${i}` },
    });
    await answer.arrayBuffer();
    if (answer.status !== 429) admitted += 1;
  }
  assert.ok(admitted >= 30 && admitted <= 33, `${admitted}`);
});

test('attack: codes that Login v1 takes by GET are counted with those of its forms; mails by GET are few', async () => {
  const admitted = async (path: string): Promise<number> => {
    let count = 0;
    for (let i = 0; i < 20; i += 1) {
      const answer = await fetch(clearUrl + path + i, { headers: { 'x-forwarded-for': `198.22.0.${i}` } });
      await answer.arrayBuffer();
      if (answer.status !== 429) count += 1;
    }
    return count;
  };
  assert.ok((await admitted('/ui/login/mfa/otp/verify?authRequestID=get&code=')) <= 9);
  assert.ok((await admitted('/ui/login/mail/verification?userID=get&code=')) <= 11);
  assert.ok((await admitted('/ui/login/password/reset?authRequestID=mail&x=')) <= 4);
  assert.equal(await admitted('/ui/login/login?authRequestID=page&x='), 20, 'pages are pages');
});
