/** What the parts of the engine contract share. */

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
