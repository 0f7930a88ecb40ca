// A process that logs far more than its reader takes; started by stalled-reader.test.ts with stdout as the log.
// It reports over IPC, or to the socket that is its second argument: then it also ends by itself.

import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { createLog } from '../../src/telemetry/log.ts';

const lines = Number(process.argv[2]);
const socket = process.argv[3] === undefined ? undefined : net.connect(process.argv[3]);
const log = createLog({ bufferBytes: 262_144 });

function report(said: object): void {
  if (socket === undefined) process.send!(said);
  else socket.write(`${JSON.stringify(said)}\n`);
}

async function close(): Promise<void> {
  const started = performance.now();
  const complete = await log.close(200);
  report({ said: 'closed', complete, ms: performance.now() - started });
  // Nothing is forced: the process ends because nothing holds it any more.
  if (socket === undefined) process.disconnect?.();
  else socket.end();
}

process.on('message', (message) => {
  if (message === 'close') return void close();
  log.record('info', { event: 'more' });
  report({ said: 'more' });
});

if (lines === 0) {
  log.record('info', { event: 'last' });
  process.exit(3);
}

const before = process.memoryUsage().rss;
let longestTurn = 0;
const text = 'x'.repeat(900);
for (let i = 0; i < lines; ) {
  const started = performance.now();
  for (const end = Math.min(i + 500, lines); i < end; i += 1) log.record('info', { event: 'flood', i, text });
  await turn();
  longestTurn = Math.max(longestTurn, performance.now() - started);
}
log.record('error', { event: 'grave' });
report({
  said: 'flooded',
  human: log.human,
  dropped: log.dropped(),
  grown: process.memoryUsage().rss - before,
  longestTurn,
});
if (socket !== undefined) await close();
