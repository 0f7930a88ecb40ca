/** The gateway's own HTTP/2 engine: frames in plain TypeScript, without `node:http2`. */

import type { Engine, EngineOptions } from '../engine.ts';
import { FrameSession } from './session.ts';

/** Serves HTTP/2 with the gateway's own reading and writing of frames. */
export function framesEngine(options: EngineOptions): Engine {
  const sessions = new Set<FrameSession>();
  let streams = 0;
  let draining = false;
  const sessionOptions = {
    ...options,
    streams(change: number): void {
      streams += change;
    },
    closed(session: FrameSession): void {
      sessions.delete(session);
    },
  };
  return {
    accept(socket, connection, budget) {
      if (socket.destroyed) {
        options.onClose(connection, undefined);
        return { retire() {} };
      }
      const session = new FrameSession(socket, connection, budget, sessionOptions);
      sessions.add(session);
      if (draining) session.drain();
      return { retire: () => session.drain() };
    },
    drain() {
      draining = true;
      for (const session of sessions) session.drain();
    },
    destroy() {
      for (const session of sessions) session.destroy();
    },
    get connections() {
      return sessions.size;
    },
    get streams() {
      return streams;
    },
  };
}
