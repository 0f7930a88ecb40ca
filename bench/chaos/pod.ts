/**
 * A pod as a process: `node pod.ts HOST PORT SHUTDOWN_MS`, with an IPC channel. A stand-in for ZITADEL that ends as ZITADEL
 * does: at SIGTERM it takes no more connections, its readiness stays, and so long later its sessions are cut without GOAWAY.
 */

import { startStandIn } from '../../src/demo/stand-in.ts';
import { ID_FIELD, type Order, type PodMessage } from './orders.ts';

const [host, port, shutdownMs] = process.argv.slice(2);
const tell = (message: PodMessage, told?: () => void): void =>
  void process.send!(message, undefined, undefined, () => told?.());

const standIn = await startStandIn({
  host: host!,
  port: Number(port),
  keepRecords: 100,
  onRequest({ rawHeaders }) {
    const at = rawHeaders.indexOf(ID_FIELD);
    if (at >= 0) tell({ name: 'arrived', id: rawHeaders[at + 1]! });
  },
});

/** Checks are no requests of clients. */
const isProbe = (path: string): boolean => path.startsWith('/debug/');
let requests = 0;

const ORDERS: Readonly<Record<Order, () => Promise<void>>> = {
  heal: () => standIn.heal(),
  errors: () => standIn.fail({ mode: 'answer', status: 500, match: ({ path }) => !isProbe(path) }),
  'reset-half': () =>
    standIn.fail({
      mode: 'reset',
      match({ path }) {
        if (isProbe(path)) return false;
        requests += 1;
        return requests % 2 === 0;
      },
    }),
  unready: () => standIn.fail({ mode: 'unready' }),
};

process.on('message', async (order: Order) => {
  await ORDERS[order]();
  tell({ name: 'done' });
});
process.once('SIGTERM', () => {
  standIn.stopListening();
  setTimeout(end, Number(shutdownMs));
});
// Nobody is there any more who would end it.
process.once('disconnect', () => process.exit(0));

tell({ name: 'listening', port: standIn.port });

/** As the kernel does it for a process that is gone: no GOAWAY. What arrived before has been told. */
function end(): void {
  tell({ name: 'done' }, () => process.exit(0));
}
