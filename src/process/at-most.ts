/**
 * Waits for something, but not for ever. Not on the clock, whose timers let the process end; and the timer is taken
 * back, or it would keep a process that has long been drained. True where it came in time.
 */
export async function atMost(ms: number, something: Promise<unknown>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(resolve, ms, false);
  try {
    return await Promise.race([something.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}
