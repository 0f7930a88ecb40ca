/** The part of a gateway that the main thread has: it serves by itself, or hands what it accepts to workers. */

import type { Socket } from 'node:net';
import { Events } from '../core/events.ts';
import { ALONE, type Thread } from '../gateway/thread.ts';
import { ConnectionColumns } from './connection-columns.ts';
import { Gateway } from './gateway.ts';
import type { PrimaryOptions } from './primary.ts';
import { SharedTls } from './shared-tls.ts';
import { thisMachine, workerCount } from './worker-count.ts';
import { threadsFor, type Workers } from './workers.ts';

/** The part of this thread, and where its sockets go. */
export interface Made {
  readonly gateway: Gateway;
  readonly events: Events;
  readonly tls: SharedTls;
  readonly shared: { readonly columns: ConnectionColumns; readonly count: number } | undefined;
  /** Set when the workers are there, which is before anything is bound. */
  readonly served: { by: Workers | undefined };
}

/** Makes it, nothing bound; rejects with everything closed where something cannot be had. */
export async function makeGateway({
  config,
  clock,
  certificateFolder,
  events = new Events(),
}: PrimaryOptions): Promise<Made> {
  const count = workerCount(config, thisMachine());
  const served: Made['served'] = { by: undefined };
  const tls = await SharedTls.load({ config, clock, events, folder: certificateFolder });
  const common = { id: 1, config, clock, events, tls: tls.certificates.settings };
  if (count === 0) {
    const gateway = await tls.orDisposed(Gateway.make({ ...common, thread: ALONE, hints: true }));
    return { gateway, events, tls, shared: undefined, served };
  }
  const threads = threadsFor(count);
  const columns = new ConnectionColumns(ConnectionColumns.allocate(threads));
  const thread: Thread = { number: 1, count: threads, sharers: count };
  const hand = (listener: string, socket: Socket): void => served.by!.serve(listener, socket);
  const gateway = await tls.orDisposed(Gateway.make({ ...common, thread, count: columns, hand, hints: false }));
  return { gateway, events, tls, shared: { columns, count }, served };
}
