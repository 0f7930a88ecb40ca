// The defects of http2-wrapper 2.2.4 that src/upstream/h2-agent.ts works round, each by the name it has there.
// Harm: a connection for every request, requests that fail or hang after a pod's restart, a heap that one reader fills.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { H2Pool } from '../../src/upstream/h2-pool.ts';
import { Flag, type FramePeer, FrameType, frame, SettingId, startFrameServer } from '../support/h2-frames.ts';
import { addressOf, Observed, poolSettings, request } from './pool-settings.ts';

const OK = [[':status', '200']] as const;
const answer = (peer: FramePeer, stream: number): void => peer.headers(stream, OK, Flag.END_STREAM);

test('http2-wrapper 2.2.4, h2c opens a session per request: sequential requests share one', async () => {
  await using server = await startFrameServer(answer);
  using pool = poolOf(server.address);
  for (let i = 0; i < 3; i += 1) {
    const one = request();
    await pool.open(one);
    await one.receiver.seen('close');
  }
  assert.equal(server.peers.length, 1);
});

test('http2-wrapper 2.2.4, after a GOAWAY requests fail until its last stream is done: they go to a new session', async () => {
  await using server = await startFrameServer((peer, stream) => {
    if (stream === 1 && peer === server.peers[0]) peer.goaway(1, 0);
    else answer(peer, stream);
  });
  using pool = poolOf(server.address);
  const long = request();
  await pool.open(long);
  await (await server.peer(0)).settled();
  const next = request();
  await pool.open(next);
  await next.receiver.seen('close');
  assert.equal(server.peers.length, 2);
  // The stream that was there before goes on.
  answer(await server.peer(0), 1);
  await long.receiver.seen('close');
  assert.deepEqual(long.receiver.events, ['head', 'close']);
});

test('http2-wrapper 2.2.4, an ORIGIN frame revives a session that was told to go: it stays retired', async () => {
  await using server = await startFrameServer((peer, stream) => {
    if (peer !== server.peers[0]) return answer(peer, stream);
    peer.goaway(1, 0);
    const origin = Buffer.from('https://127.0.0.1');
    peer.send(frame(0xc, 0, 0, Buffer.concat([Buffer.from([0, origin.length]), origin])));
  });
  using pool = poolOf(server.address);
  await pool.open(request());
  await (await server.peer(0)).settled();
  const next = request();
  await pool.open(next);
  await next.receiver.seen('close');
  assert.equal(server.peers.length, 2);
});

test('http2-wrapper 2.2.4, the fullest session is preferred: the least loaded one is taken', async () => {
  await using server = await startFrameServer(() => {}, undefined, {
    settings: [[SettingId.MAX_CONCURRENT_STREAMS, 4]],
  });
  using pool = poolOf(server.address);
  // 1. Five streams need two sessions: four on the first, one on the second.
  for (let i = 0; i < 5; i += 1) await pool.open(request());
  // 2. The first session gets room for two.
  const [first, second] = server.peers;
  await first!.next(({ stream }) => stream === 7);
  for (const id of [1, 3]) answer(first!, id);
  await first!.settled();
  // 3. The next stream goes where there is least.
  await pool.open(request());
  await second!.next(({ stream }) => stream === 3);
  assert.deepEqual(second!.of(3), ['HEADERS+END_STREAM 3']);
});

test('http2-wrapper 2.2.4, 32 MiB stream windows: the window is what the config says', async () => {
  await using server = await startFrameServer(answer);
  using pool = poolOf(server.address, { streamWindowBytes: 100_000, sessionWindowBytes: 300_000 });
  await pool.open(request());
  const peer = await server.peer(0);
  const settings = await peer.next(({ type, flags }) => type === FrameType.SETTINGS && flags === 0);
  const entries = new Map<number, number>();
  for (let at = 0; at < settings!.payload.length; at += 6) {
    entries.set(settings!.payload.readUInt16BE(at), settings!.payload.readUInt32BE(at + 2));
  }
  assert.equal(entries.get(SettingId.INITIAL_WINDOW_SIZE), 100_000);
  assert.equal(entries.get(0x2), 0, 'server push is off');
});

test('http2-wrapper 2.2.4, no connect or SETTINGS timeout: a peer that says nothing is CONNECT_TIMEOUT', async () => {
  await using server = await startFrameServer(() => {}, undefined, { settings: 'none' });
  using pool = poolOf(server.address, { connectTimeoutMs: 50 });
  await assert.rejects(pool.open(request()), { code: 'CONNECT_TIMEOUT', detail: /no SETTINGS|no session/ });
  // It is not the end: the next request asks again.
  await assert.rejects(pool.open(request()), { code: 'CONNECT_TIMEOUT' });
});

test('http2-wrapper 2.2.4, an unused session holds the process: it ends by itself', async () => {
  const code = `
    import { H2Pool } from ${JSON.stringify(new URL('../../src/upstream/h2-pool.ts', import.meta.url).href)};
    import { poolSettings, request, Observed } from ${JSON.stringify(new URL('./pool-settings.ts', import.meta.url).href)};
    const pool = new H2Pool({ host: '127.0.0.1', port: Number(process.argv[1]) }, poolSettings(), new Observed());
    let asked = 0;
    // Wanted no more when the session is there: it is opened and never used.
    await pool.open(request({ wanted: () => { asked += 1; return false; } })).catch(() => {});
    console.log(asked, pool.sessions);`;
  await using server = await startFrameServer(answer);
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', code, server.address.split(':')[1]!], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  const [exit] = await once(child, 'close');
  assert.equal(exit, 0);
  assert.equal(Buffer.concat(out).toString().trim(), '1 1');
});

function poolOf(address: string, settings: Parameters<typeof poolSettings>[0] = {}): H2Pool & Disposable {
  const pool = new H2Pool(addressOf(address), poolSettings(settings), new Observed());
  return Object.assign(pool, { [Symbol.dispose]: () => pool.destroy() });
}
