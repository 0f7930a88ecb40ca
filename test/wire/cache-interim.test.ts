// 1xx answers before what the cache fetches, RFC 9110 section 15.2. Harm: hints are lost, or tell a stranger what is not his.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, beforeEach, test } from 'node:test';
import { type Cached, startCached } from '../support/cached.ts';
import type { Asked, OriginProtocol } from '../support/origin.ts';
import { until } from '../support/until.ts';

const FRESH = { 'cache-control': 'max-age=60' };
const ORIGINS: readonly OriginProtocol[] = ['h2c', 'http/1.1'];

function inform({ response }: Asked, status: 102 | 103, link?: string): void {
  const { stream } = response as unknown as { stream?: http2.ServerHttp2Stream };
  if (stream !== undefined) stream.additionalHeaders({ ':status': status, ...(link && { link }) });
  else if (link === undefined) response.writeProcessing();
  else response.writeEarlyHints({ link });
}

for (const protocol of ORIGINS) {
  let stage: Cached;
  let number = 0;

  before(async () => {
    stage = await startCached({ protocol });
  });
  after(() => stage[Symbol.asyncDispose]());
  beforeEach(() => {
    number += 1;
  });

  /** Asks over h2; what came before the answer, and its text. */
  const ask = async (): Promise<{ readonly before: readonly string[]; readonly text: string }> => {
    const session = http2.connect(stage.gateway.clearUrl);
    try {
      const stream = session.request({ ':path': `/c/${number}` });
      const before: string[] = [];
      stream.on('headers', (head) => before.push(`${head[':status']} ${head.link ?? ''}`));
      let text = '';
      for await (const chunk of stream.setEncoding('utf8')) text += chunk;
      return { before, text };
    } finally {
      session.close();
    }
  };

  test(`origin over ${protocol}: 102 and 103 reach who asked, and the answer after them is stored`, async () => {
    stage.origin.play = (one) => {
      inform(one, 102);
      inform(one, 103, '</a.css>; rel=preload; as=style');
      one.answer(200, FRESH, 'body');
    };
    assert.deepEqual(await ask(), { before: ['102 ', '103 </a.css>; rel=preload; as=style'], text: 'body' });
    assert.deepEqual(await ask(), { before: [], text: 'body' });
  });

  test(`origin over ${protocol}: attack: who waits for the answer to a stranger sees nothing before it`, async () => {
    const pending: Asked[] = [];
    stage.origin.play = (one) => void pending.push(one);
    const first = ask();
    await until(() => pending.length === 1);
    const second = ask();
    await until(() => stage.gateway.primary.openExchanges === 2);
    const [one] = pending;
    inform(one!, 103, '</of-the-first>');
    one!.answer(200, FRESH, 'body');
    assert.deepEqual(await first, { before: ['103 </of-the-first>'], text: 'body' });
    assert.deepEqual(await second, { before: [], text: 'body' });
    assert.equal(pending.length, 1);
  });
}
