/** How long header blocks of answers are with HPACK: `node bench/micro/hpack-bytes.ts`. Bytes of a mix of answers. */

import { HpackEncoder } from '../../src/http2/hpack/encoder.ts';
import { answer } from './hpack.ts';

for (const length of [1, 30, 1000]) {
  const encoder = new HpackEncoder();
  let bytes = 0;
  for (let n = 0; n < length; n += 1) bytes += encoder.encode(200, answer(n)).length;
  console.log(`${length} answers on a connection: ${(bytes / length).toFixed(0)} bytes a header block`);
}
