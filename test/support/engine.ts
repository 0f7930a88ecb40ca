/**
 * The HTTP/2 engines that tests run on: what users get where the config says nothing, or what GATEHOUSE_TEST_ENGINE says
 * for clients, and GATEHOUSE_TEST_UPSTREAM_ENGINE for upstreams.
 */

import { ENGINES } from '../../src/transport/engines/index.ts';
import { HTTP2_ENGINES } from '../../src/upstream/http2-engines.ts';

function chosen<T extends string>(variable: string, usual: T, engines: Readonly<Record<T, unknown>>): T {
  const named = process.env[variable] ?? usual;
  if (named in engines) return named as T;
  throw new Error(`${variable}=${named} is none of ${Object.keys(engines).join(', ')}`);
}

/** Of clients. */
export const TEST_ENGINE = chosen('GATEHOUSE_TEST_ENGINE', 'frames', ENGINES);

/** Of upstreams. */
export const TEST_UPSTREAM_ENGINE = chosen('GATEHOUSE_TEST_UPSTREAM_ENGINE', 'node', HTTP2_ENGINES);
