/** Lines of the log about too much to do; see `lines.ts`. */

import type { GatewayEvents } from '../core/events.ts';
import type { Log } from './log-contract.ts';

const BY = {
  upstream: 'answers slower than usual with many requests in flight',
  event_loop: 'is late: more CPU is needed',
  memory: 'is short of memory',
} as const;

/** A request was refused for lack of room, or would have been. */
export function overloaded(log: Log, { by, where, class: of, priority, enforced }: GatewayEvents['overloaded']): void {
  const who = by === 'upstream' ? `Upstream ${where}` : 'The gateway';
  const message = `${who} ${BY[by]}: a request of class ${of} ${enforced ? 'was' : 'would have been'} refused`;
  log.logger.warn({ event: 'overloaded', by, upstream: where || undefined, class: of, priority, enforced }, message);
}

/** The event loop is so late that requests are refused, or is not any more. */
export function loopPressure(log: Log, { on, delayMs }: GatewayEvents['loop_pressure']): void {
  const fields = { event: 'loop_pressure', on, delay_ms: delayMs };
  if (on)
    log.logger.warn(fields, `The event loop is ${delayMs} ms late: requests are refused, the least important first`);
  else log.logger.info(fields, 'The event loop is in time again: nobody is refused for it');
}

/** Memory is short, or is not any more. */
export function memoryPressure(log: Log, { on, percent, of }: GatewayEvents['memory_pressure']): void {
  const what = of === 'heap' ? 'heap limit' : 'memory limit of the container';
  const fields = { event: 'memory_pressure', on, percent, of };
  if (on) log.logger.warn(fields, `${percent} % of the ${what} are used: new connections and big bodies are refused`);
  else log.logger.info(fields, `Memory is enough again: ${percent} % of the ${what}`);
}
