/** When a refused caller may come again. */

import type { GatewayError } from '../core/errors.ts';

/** The longest wait that is told: a day. A caller that waits longer has forgotten why. */
const MAX_DELAY_MS = 86_400_000;

/** The wait that an error asks for in whole milliseconds, or undefined where it asks for none. */
export function retryDelayMs(error: GatewayError): number | undefined {
  const { retryAfterS } = error;
  if (retryAfterS === undefined || !(retryAfterS >= 0)) return undefined;
  return Math.min(Math.ceil(retryAfterS * 1000), MAX_DELAY_MS);
}

/** `Retry-After` in whole seconds, never earlier than the wait; RFC 9110 section 10.2.3. */
export function retryAfter(error: GatewayError): string | undefined {
  const delayMs = retryDelayMs(error);
  return delayMs === undefined ? undefined : String(Math.ceil(delayMs / 1000));
}
