// Bodies far beyond what is stored: they stream through at the pace of the client, and the memory stays small.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Cached, CLIENT_PROTOCOLS, startCached } from '../support/cached.ts';
import type { Asked } from '../support/origin.ts';
import { until } from '../support/until.ts';

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 'x');

/** What is stored at most. */
const ENTRY = 16 * MIB;
const LOOK_EVERY = 5 * MIB;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of all buffers that somebody still holds: without what the collector has only not taken yet. */
function inUse(): number {
  collect();
  // What the first collection freed is no longer counted when the second one begins.
  collect();
  return process.memoryUsage().arrayBuffers;
}

let stage: Cached;
/** Bytes that the origin has written of the last body. */
let sent = 0;

/** Writes a body of so many bytes as fast as it is taken. */
async function stream(one: Asked, bytes: number): Promise<void> {
  const { response } = one;
  let gone = false;
  // Nobody tells a response of the library that waits for `drain` that its stream is gone.
  void one.closed.then(() => {
    gone = true;
    response.emit('drain');
  });
  for (sent = 0; sent < bytes && !gone; sent += PIECE.length) {
    if (!one.write(PIECE) && !gone) await once(response, 'drain');
  }
  if (!gone) response.end();
}

/** A client's answer as a readable stream. */
async function opened(
  protocol: string,
  path: string,
): Promise<{ readonly body: NodeJS.ReadableStream; close(): void }> {
  if (protocol === 'http/1.1') {
    const request = http.get({ host: '127.0.0.1', port: stage.gateway.port('clear'), path, agent: false });
    const [body] = (await once(request, 'response')) as [http.IncomingMessage];
    return { body, close: () => request.destroy() };
  }
  const session = http2.connect(stage.gateway.clearUrl);
  const body = session.request({ ':path': path });
  await once(body, 'response');
  return { body, close: () => session.destroy() };
}

before(async () => {
  stage = await startCached({ cache: { default_ttl_s: 60 } });
});
after(() => stage[Symbol.asyncDispose]());

for (const protocol of CLIENT_PROTOCOLS) {
  for (const told of [true, false]) {
    test(`${protocol}: a body of 200 MB whose length is ${told ? '' : 'not '}told streams through, is not stored, and takes little memory`, async () => {
      const bytes = 200 * MIB;
      const path = `/c/${protocol}/${told}`;
      stage.origin.play = (one) => {
        one.head(200, told ? { 'content-length': bytes } : {});
        void stream(one, bytes);
      };
      const { body, close } = await opened(protocol, path);
      const before = inUse();
      let most = 0;
      let got = 0;
      let looked = 0;
      for await (const chunk of body) {
        got += chunk.length;
        if (got - looked < LOOK_EVERY) continue;
        looked = got;
        most = Math.max(most, inUse() - before);
      }
      close();
      assert.equal(got, bytes);
      // Until it is longer than an entry, one of untold length may be one; then only what waits in windows and sockets.
      assert.ok(most < (told ? 0 : ENTRY) + 4 * MIB, `${most}`);
      assert.ok(stage.gateway.primary.generation.services.cache.store.figures().bytes < MIB);
    });
  }

  test(`attack: ${protocol}: a reader that stops reading a body that is not stored stops the origin, and is let go when it leaves`, async () => {
    let one: Asked | undefined;
    stage.origin.play = (asked) => {
      one = asked;
      asked.head(200);
      void stream(asked, 1024 * MIB);
    };
    const { body, close } = await opened(protocol, `/c/${protocol}/slow`);
    body.once('readable', () => {});
    let before = -1;
    // It goes on until every window and socket is full; what is beyond an entry is at the pace of the reader.
    for (let still = 0; still < 1000; still = sent === before ? still + 1 : 0) {
      before = sent;
      await setImmediate();
    }
    assert.ok(sent < 64 * MIB, `${sent}`);
    close();
    await one!.closed;
    await until(() => stage.gateway.primary.openExchanges === 0);
  });
}
