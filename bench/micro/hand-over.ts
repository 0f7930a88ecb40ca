/**
 * What it costs to hand a connection to a worker, and how connections spread: `node bench/micro/hand-over.ts`.
 * The threads do nothing with what they get: TLS, HTTP and the rest cost the same with and without workers.
 */

import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ConnectionColumns } from '../../src/process/connection-columns.ts';
import { Reception } from '../../src/process/reception.ts';
import type { WorkerThread } from '../../src/process/worker-thread.ts';

const CONNECTIONS = 3000;
const WORKERS = 2;

interface Handed {
  readonly socket: net.Socket;
}

if (isMainThread) await measure();
else if (workerData === null) takeAll();
else connectAgainAndAgain(workerData as number);

async function measure(): Promise<void> {
  const columns = new ConnectionColumns(ConnectionColumns.allocate(WORKERS + 1));
  const threads = Array.from({ length: WORKERS }, () => new Worker(new URL(import.meta.url), { workerData: null }));
  const given = threads.map(() => 0);
  const serving = threads.map((thread, at) => ({
    number: at + 2,
    serve(_listener: string, socket: net.Socket) {
      given[at]! += 1;
      thread.postMessage({ socket }, [socket as never]);
    },
  })) as unknown as WorkerThread[];
  const reception = new Reception({
    connections: columns,
    serving: () => serving,
    onRefused: (_listener, _socket, problem) => {
      throw new Error(problem);
    },
  });
  const times: number[] = [];
  const done = Promise.withResolvers<void>();
  const server = net.createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true }, (socket) => {
    const begun = performance.now();
    reception.take('bench', socket);
    times.push(performance.now() - begun);
    if (times.length === CONNECTIONS) done.resolve();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new Worker(new URL(import.meta.url), { workerData: (server.address() as AddressInfo).port });
  await done.promise;
  times.sort((a, b) => a - b);
  const at = (share: number): string => ((times[Math.floor(times.length * share)] ?? 0) * 1000).toFixed(0);
  console.log(`hand-over: median ${at(0.5)} µs, 90th percentile ${at(0.9)} µs of the main thread, each`);
  console.log(`given to the workers: ${given.join(' : ')}`);
  server.close();
  await Promise.all([client, ...threads].map((thread) => thread.terminate()));
}

function takeAll(): void {
  parentPort!.on('message', ({ socket }: Handed) => {
    socket.on('error', () => {});
    socket.resume();
    socket.write('x');
  });
}

/** Twenty at a time; each closes when it has an answer. */
function connectAgainAndAgain(port: number): void {
  for (let i = 0; i < 20; i += 1) connect();
  function connect(): void {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('data', () => socket.destroy());
    socket.on('close', connect);
  }
}
