/** A connection that ends while a packet of requests with bodies is being read; a part of the engine contract. */

import assert from 'node:assert/strict';
import type { RawReply, RawRequest } from '../../src/core/raw.ts';
import { testCertificate } from '../support/gateway.ts';
import { connectFrames, Flag, FrameType, frame, headerBlock, uint32 } from '../support/h2-frames.ts';
import type { TestListener } from '../support/listener.ts';
import { bystander, type EngineSuite, GET } from './engine-suite.ts';

/** Requests of one packet, and the one at which the connection ends. */
const COUNT = 40;
const FIFTH = 5;

/** How it ends. `at`: done by whoever handles the fifth request; `packet`: sent behind it. */
interface End {
  readonly rates?: { readonly resets: number; readonly malformed: number; readonly header_bytes: number };
  readonly packet?: Buffer;
  /** What of the client's is left: its connection with all other requests, nothing, or of nobody's anything. */
  readonly leaves: 'siblings' | 'others' | 'nothing';
  at?(server: TestListener, request: RawRequest, reply: RawReply): void;
}

const ENDS: Readonly<Record<string, End>> = {
  'a budget that is used up': { rates: { resets: 0, malformed: 0, header_bytes: 60 }, leaves: 'others' },
  'a fault of the client': { packet: frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0)), leaves: 'others' },
  'a drain': { at: (server) => void server.listener.drain(), leaves: 'others' },
  'the end of the listener': { at: (server) => server.listener.destroy(), leaves: 'nothing' },
  'a defect': {
    at() {
      throw new Error('a defect');
    },
    leaves: 'siblings',
  },
  'a reset': { at: (_server, { stream }) => stream.reset(2), leaves: 'siblings' },
  'an answer that waits for no body': { at: (_server, _request, reply) => void reply.end('no'), leaves: 'siblings' },
};

/** A header of 132 bytes as they are counted: five of them are more than ten times sixty. */
const HEAD = headerBlock(GET('/', ['x', 'a'.repeat(99)]).with(0, [':method', 'POST']));
const PACKET = Array.from({ length: COUNT }, (_, i) => [
  frame(FrameType.HEADERS, Flag.END_HEADERS, 1 + 2 * i, HEAD),
  frame(FrameType.DATA, Flag.END_STREAM, 1 + 2 * i, 'x'.repeat(200)),
]);

/** Declares them. Node ends the process where a session is destroyed by what handles its stream: nodejs/node#64850. */
export function endsContract({ keeps, start }: EngineSuite): void {
  for (const [by, { rates, packet, at, leaves }] of Object.entries(ENDS)) {
    for (const way of ['in the clear', 'over TLS'] as const) {
      keeps(`${COUNT} requests in one packet ${way}, the fifth ended by ${by}: the process lives`, async () => {
        const { certificate, key } = await testCertificate();
        const secure = way === 'over TLS';
        const tls = { certificates: [{ certificate, key, source: 'test' }], minVersion: '1.2' as const };
        let seen = 0;
        await using server = await start({
          ...(rates !== undefined && { rates }),
          ...(secure && { tls }),
          answer(request, reply) {
            if (request.method !== 'POST') {
              if (request.target === '/') reply.end('ok');
              return;
            }
            seen += 1;
            request.stream.resume();
            if (seen === FIFTH && at !== undefined) at(server, request, reply);
            else if (leaves === 'siblings') reply.end('ok');
          },
        });
        using good = secure ? undefined : await bystander(server);
        using bad = await connectFrames(server.port, secure ? { ca: certificate } : {});
        const frames = PACKET.flatMap((both, i) => (i === FIFTH && packet !== undefined ? [packet, ...both] : both));
        bad.send(...frames);
        if (leaves === 'siblings') {
          for (let i = 0; i < COUNT; i += 1) await bad.finished(1 + 2 * i);
          assert.equal(seen, COUNT);
          assert.equal(bad.closed, false);
          bad.headers(201, GET('/'), Flag.END_STREAM);
          assert.ok((await bad.finished(201)).at(-1)?.includes('END_STREAM'));
        } else await server.until(() => seen >= (rates === undefined ? FIFTH : FIFTH - 1));
        if (at === undefined || leaves === 'nothing') await bad.next(() => false);
        bad.close();
        await server.until(() => server.open === (secure || leaves === 'nothing' ? 0 : 1));
        if (leaves !== 'nothing' && by !== 'a drain') await good?.unharmed();
      });
    }
  }
}
