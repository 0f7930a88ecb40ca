/** The HTTP/2 engine that tests run on: GATEHOUSE_TEST_ENGINE=frames takes the gateway's own. */

import { ENGINES } from '../../src/transport/engines/index.ts';

const named = process.env.GATEHOUSE_TEST_ENGINE ?? 'node';
if (!(named in ENGINES))
  throw new Error(`GATEHOUSE_TEST_ENGINE=${named} is none of ${Object.keys(ENGINES).join(', ')}`);

/** Its name. */
export const TEST_ENGINE = named as keyof typeof ENGINES;
