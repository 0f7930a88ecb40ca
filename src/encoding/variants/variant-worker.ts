/** The thread of the variant maker: codes one body after the other, at a low priority. */

import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { codingOf } from '../index.ts';
import type { VariantAnswer, VariantOrder } from './message.ts';
import { pieceCoder } from './pieces.ts';
import { rest } from './rest.ts';

/** A coding that saves less than this part of the body is not worth its place, nor the client's work. */
const WORTH = 0.98;
/** Up to here one call takes a quarter of a second at most. */
const WHOLE_BYTES = 131_072;

lowerPriority();
const inPieces = await pieceCoder();
parentPort!.on('message', (order: VariantOrder) => {
  const answer = code(order);
  const transfer = 'coded' in answer && answer.coded !== undefined ? [answer.coded.buffer as ArrayBuffer] : [];
  parentPort!.postMessage(answer, transfer);
});

function code({ coding, body }: VariantOrder): VariantAnswer {
  try {
    const whole = inPieces === undefined || body.byteLength <= WHOLE_BYTES;
    const begun = performance.now();
    const coded = whole ? codingOf(coding).best(body) : inPieces(coding, body);
    if (whole) rest(performance.now() - begun);
    if (coded.byteLength >= body.byteLength * WORTH) return { coded: undefined };
    // A copy of its own length: zlib gives a view of a larger buffer, which would be kept with it.
    return { coded: new Uint8Array(coded) };
  } catch (error) {
    return { error: String(error) };
  }
}

/**
 * In Linux a priority belongs to a thread, and setpriority(2) takes a thread's id where the manual says process. Where
 * there is no such id, or it may not be set, the thread runs as all others do. Not the lowest: a tenth of a core is
 * left to the thread when the requests take all cores, so that these need not code for ever what it would make once.
 */
function lowerPriority(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (thread !== process.pid) setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Other systems.
  }
}
