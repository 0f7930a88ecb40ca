// Many conversations that are nearly HTTP/2, over real TLS sockets: RFC 9113 sections 4 to 8, RFC 7541.
// Harm: one peer's frames end the process, leave something open for ever, or reach into the connection of another.
//
// FUZZ_SEED=n begins elsewhere; FUZZ_CASES=n takes so many.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ENGINES } from '../../src/transport/engines/index.ts';
import { Chance, FUZZ_SEED } from '../support/chance.ts';
import { TEST_ENGINE } from '../support/engine.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { connectRaw } from '../support/h1-raw.ts';
import { connectFrames, describe, Flag, type FramePeer, FrameType } from '../support/h2-frames.ts';
import { mutated } from './frame-mutations.ts';
import { plain } from './raw-upstream.ts';
import { mutatedRequest } from './request-mutations.ts';

const CASES = Number(process.env.FUZZ_CASES ?? 1200);
const BATCH = 200;
/** Connections at once. */
const LANES = 8;
/** Nothing of a budget is ever used up: each case gets as deep as it can. */
const AMPLE = {
  per_connection: { resets_per_s: 0, malformed_per_s: 0, header_bytes_per_s: 0 },
  per_address: {
    connections_per_s: 0,
    open_connections: 0,
    failed_handshakes_per_s: 0,
    resets_per_s: 0,
    malformed_per_s: 0,
    header_bytes_per_s: 0,
  },
};

/** An upstream that answers at once; `/v2/held` when it is let go. */
async function startHolding() {
  const { promise: letGo, resolve: release } = Promise.withResolvers<void>();
  const heard = new EventEmitter();
  let bytes = 0;
  // Clients that leave are streams that are reset, at a rate at which Node's own server would end the session.
  const server = http2.createServer({ streamResetBurst: 1e6, streamResetRate: 1e6 });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    const answer = (): void => {
      if (stream.destroyed || stream.closed) return;
      stream.respond({ ':status': 200 });
      stream.end(headers[':method'] === 'HEAD' ? undefined : 'ok');
    };
    if (headers[':path'] !== '/v2/held') {
      // Node resets a stream whose request nobody has read when its answer is written, before it is sent.
      stream.resume();
      answer();
      return;
    }
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      heard.emit('data');
    });
    void letGo.then(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    release,
    /** Resolves when so many bytes of the held request are here. */
    async held(count: number): Promise<void> {
      while (bytes < count) await once(heard, 'data');
    },
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/** A gateway, its upstream, and a neighbour whose request is held there. */
async function stage(engine: keyof typeof ENGINES) {
  const upstream = await startHolding();
  const gateway = await startGateway({
    zitadel: upstream.address,
    config: {
      hints: false,
      limits: { ...AMPLE, http2_engine: engine, body_min_bytes_per_s: 0 },
      policies: { rate_limit: false },
    },
  });
  const neighbour = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  neighbour.headers(1, plain('POST', '/v2/held'));
  neighbour.data(1, 'begun ');
  await upstream.held(1);
  return {
    gateway,
    /** Whether all is as before the batch; `where` says which cases it was. */
    async isWell(where: string, round: number): Promise<void> {
      // 1. Nothing is open but what the neighbour has, on both sides.
      const left = await nothingLeft(gateway);
      assert.deepEqual(left, { exchanges: 1, connections: 1, streams: 1, upstreamStreams: 1 }, where);
      // 2. The neighbour's stream is as it was: what goes in comes out.
      neighbour.data(1, 'still ');
      await upstream.held(6 * (round + 2));
      assert.deepEqual(neighbour.of(1), [], where);
      assert.ok(!neighbour.closed, where);
      // 3. A client that came later has its answer.
      using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
      client.headers(1, plain('GET'), Flag.END_STREAM);
      assert.equal((await client.finished(1)).at(-1), 'DATA+END_STREAM 1', where);
    },
    /** The neighbour's request ends as if nothing had been. */
    async end(): Promise<void> {
      neighbour.data(1, '', Flag.END_STREAM);
      upstream.release();
      assert.equal((await neighbour.finished(1)).at(-1), 'DATA+END_STREAM 1');
      assert.equal(
        neighbour.frames.find(({ type }) => type === FrameType.GOAWAY),
        undefined,
      );
    },
    async [Symbol.asyncDispose]() {
      neighbour.close();
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** What is open when what can close has closed; gives up after some seconds and says what it sees. */
async function nothingLeft({ primary }: TestGateway) {
  const give = performance.now() + 5000;
  for (;;) {
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    const seen = {
      exchanges: primary.openExchanges,
      connections: sum(primary.listeners.map(({ listener }) => listener.connections)),
      streams: sum(primary.listeners.map(({ listener }) => listener.streams)),
      upstreamStreams: sum(primary.upstreams().flatMap(({ endpoints }) => endpoints.map(({ streams }) => streams))),
    };
    if (Object.values(seen).every((count) => count === 1) || performance.now() > give) return seen;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Runs every case of a batch, some at once. */
async function runBatch(first: number, one: (index: number) => Promise<void>): Promise<void> {
  let next = first;
  const lane = async (): Promise<void> => {
    while (next < Math.min(first + BATCH, CASES)) {
      const index = next;
      next += 1;
      await one(index);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function fuzz(
  engine: keyof typeof ENGINES,
  one: (gateway: TestGateway, chance: Chance) => Promise<void>,
): Promise<void> {
  await using staged = await stage(engine);
  for (let first = 0, round = 0; first < CASES; first += BATCH, round += 1) {
    await runBatch(first, (index) => one(staged.gateway, new Chance(FUZZ_SEED + index)));
    await staged.isWell(
      `after the cases from ${FUZZ_SEED + first}: FUZZ_SEED=${FUZZ_SEED + first} FUZZ_CASES=${BATCH}`,
      round,
    );
  }
  const defects = staged.gateway.ended.filter(({ record }) => record.error?.code === 'DEFECT');
  assert.deepEqual(
    defects.map(({ record }) => String(record.error!.cause)),
    [],
  );
  const thrown = staged.gateway.announced.filter(({ payload }) => (payload as { reason?: string }).reason === 'defect');
  assert.deepEqual(thrown, []);
  await staged.end();
}

for (const engine of Object.keys(ENGINES) as (keyof typeof ENGINES)[]) {
  test(`engine ${engine}: HTTP/2 frames that are nearly right, ${CASES} times: nothing is left open, and neighbours do not notice`, {
    timeout: 120_000,
  }, async () => {
    const ends = new Map<string, number>();
    await fuzz(engine, async (gateway, chance) => {
      const { bytes, framed } = mutated(chance);
      using peer: FramePeer & Disposable = await connectFrames(gateway.port('public'), { ca: gateway.ca });
      if (chance.oneIn(4)) peer.giveWindow = false;
      const at = chance.below(bytes.length + 1);
      if (chance.oneIn(2)) peer.send(bytes);
      else {
        peer.send(bytes.subarray(0, at));
        peer.send(bytes.subarray(at));
      }
      if (framed && !chance.oneIn(4)) await peer.settled();
      else if (chance.oneIn(2)) {
        peer.socket.end();
        await peer.next(() => false);
      }
      const last = peer.frames.findLast(({ type }) => type === FrameType.GOAWAY || type === FrameType.RST_STREAM);
      const how = last === undefined ? 'served' : describe(last).replace(/ \d+(?= code)/, '');
      ends.set(how, (ends.get(how) ?? 0) + 1);
    });
    // It is no test of anything if all of them end in the same way.
    assert.ok(ends.size >= 5, JSON.stringify([...ends]));
  });
}

test(`HTTP/1.1 requests that are nearly right, ${CASES} times: nothing is left open, and neighbours do not notice`, {
  timeout: 120_000,
}, async () => {
  const ends = new Map<string, number>();
  await fuzz(TEST_ENGINE, async (gateway, chance) => {
    using client = await connectRaw(gateway.port('clear'));
    const bytes = mutatedRequest(chance);
    const at = chance.below(bytes.length + 1);
    client.send(bytes.subarray(0, at));
    client.send(bytes.subarray(at));
    client.socket.end();
    await client.gone();
    const how = /^HTTP\/1\.1 (\d+)/.exec(client.rest.toString('latin1'))?.[1] ?? 'closed';
    ends.set(how, (ends.get(how) ?? 0) + 1);
  });
  assert.ok(ends.size >= 4, JSON.stringify([...ends]));
});
