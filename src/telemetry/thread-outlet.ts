import type { Outlet, Sent } from './outlet.ts';

const LINE_FEED = 0x0a;

/** An outlet to another thread of the process: whole lines, and the next ones when those before were taken. */
export interface ThreadOutlet extends Outlet {
  /** The other thread has taken what was sent last. */
  taken(): void;
}

/** `post`: sends lines to the thread that has the log. `terminal`: what that one writes to. */
export function threadOutlet(post: (lines: string) => void, terminal: boolean): ThreadOutlet {
  let waiting: (() => void) | undefined;
  /** The beginning of a line whose end is in the next chunk. */
  let rest: Buffer = Buffer.alloc(0);
  const send = (chunk: Uint8Array): void => {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    const whole = Buffer.concat([rest, chunk.subarray(0, end)]);
    rest = end === 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk.subarray(end));
    if (end > 0) post(whole.toString('utf8'));
  };
  return {
    terminal,
    write(chunk, done: (sent: Sent) => void) {
      const { length } = chunk;
      if (chunk.lastIndexOf(LINE_FEED) === -1) {
        send(chunk);
        queueMicrotask(() => done(length));
        return;
      }
      waiting = () => done(length);
      send(chunk);
    },
    // A message is on its way at once.
    writeNow(chunk) {
      send(chunk);
      return chunk.length;
    },
    taken() {
      const done = waiting;
      waiting = undefined;
      done?.();
    },
    release() {},
  };
}
