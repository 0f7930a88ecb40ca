/** Time as the house reads it; tests hand in their own. */
export interface Clock {
  /** Milliseconds, monotonic, the same in all threads of the process. */
  now(): number;
  /** Milliseconds since the epoch, for log lines and dates. */
  wall(): number;
  /** Calls `callback` once after `ms`; the returned function calls it off. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

/** `performance.now` counts from the start of each thread; times in shared memory need one beginning for all. */
const ORIGIN_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => ORIGIN_MS + performance.now(),
  wall: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
