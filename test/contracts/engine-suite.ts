/** What the parts of the engine contract share. */

import assert from 'node:assert/strict';
import { connectFrames, Flag } from '../support/h2-frames.ts';
import type { TestListener, TestListenerOptions } from '../support/listener.ts';

/** The suite of one engine: how a test is declared, and a listener on that engine. */
export interface EngineSuite {
  keeps(title: string, body: () => Promise<void>): void;
  start(options?: TestListenerOptions): Promise<TestListener>;
}

/** The fields of a GET. */
export const GET = (path: string, ...fields: [string, string][]): [string, string][] => [
  ...([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a.example'],
    [':path', path],
  ] as [string, string][]),
  ...fields,
];

/** A client beside one that misbehaves: it waits for an answer, and nothing that its neighbour does may touch it. */
export interface Bystander extends Disposable {
  /** Its connection lives, and a request on it is answered. */
  unharmed(): Promise<void>;
}

/** Connects one, and waits until its first request is there. */
export async function bystander(server: TestListener): Promise<Bystander> {
  const peer = await connectFrames(server.port);
  peer.headers(1, GET('/hold'), Flag.END_STREAM);
  await server.request(0);
  return {
    async unharmed() {
      peer.headers(3, GET('/'), Flag.END_STREAM);
      assert.ok((await peer.finished(3)).at(-1)?.includes('END_STREAM'));
      assert.equal(peer.closed, false);
    },
    [Symbol.dispose]: () => peer.close(),
  };
}
