/** The HTTP/2 engine that tests run on: the gateway's own, GATEHOUSE_TEST_ENGINE=node takes Node's. */

import { ENGINES } from '../../src/transport/engines/index.ts';

const named = process.env.GATEHOUSE_TEST_ENGINE ?? 'frames';
if (!(named in ENGINES))
  throw new Error(`GATEHOUSE_TEST_ENGINE=${named} is none of ${Object.keys(ENGINES).join(', ')}`);

/** Its name. */
export const TEST_ENGINE = named as keyof typeof ENGINES;
