/** A thread of a variant maker that does with a body what its first letter says. */

import { parentPort } from 'node:worker_threads';
import type { VariantOrder } from '../../../src/encoding/variants/message.ts';

const hoard: unknown[] = [];

parentPort!.on('message', ({ body }: VariantOrder) => {
  const letter = String.fromCharCode(body[0]!);
  if (letter === 'f') parentPort!.postMessage({ error: 'cannot code this' });
  else if (letter === 't') throw new Error('thrown');
  else if (letter === 'x') process.exit(3);
  else if (letter === 'm') while (true) hoard.push(Array.from({ length: 10_000 }, () => ({})));
  else if (letter === 'h') for (;;) hoard.length = 0;
  else parentPort!.postMessage({ coded: new Uint8Array([1, 2, 3]) });
});
