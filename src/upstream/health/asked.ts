import { GatewayError } from '../../core/errors.ts';
import { type AskOptions, ask, type SmallAnswer } from '../ask.ts';
import { parseAddress } from '../endpoint.ts';
import type { PoolObserver, PoolSettings } from '../pool.ts';
import { makePool } from '../pools.ts';
import type { CheckResult } from './check.ts';

const SILENT: PoolObserver = { sessionOpened() {}, sessionClosed() {} };

/** Answers of checks are small; more is cut off. */
const MAX_BYTES = 65_536;

/**
 * Asks an endpoint one thing on a connection of its own, in the upstream's protocol. Not on the pool of the traffic: there
 * a check would wait where streams are short, and an old session goes on answering while a pod that ends has closed its
 * listener, which only a new connection sees.
 */
export async function askedAlone(
  address: string,
  settings: PoolSettings,
  options: Omit<AskOptions, 'maxBytes' | 'scheme'>,
  signal: AbortSignal,
  judge: (answer: SmallAnswer) => Pick<CheckResult, 'ready' | 'found'>,
): Promise<CheckResult> {
  const own = { ...settings, maxSessions: 1, maxIdleConnections: 0, connectTimeoutMs: options.timeoutMs };
  const pool = makePool(parseAddress(address), own, SILENT);
  const stop = (): void => pool.destroy();
  signal.addEventListener('abort', stop, { once: true });
  const scheme = settings.protocol === 'h2c' || settings.protocol === 'http/1.1' ? 'http' : 'https';
  try {
    const endpoint = { name: address, open: pool.open.bind(pool) };
    const answer = await ask(endpoint, { ...options, scheme, maxBytes: MAX_BYTES });
    return { ...judge(answer), reachable: true };
  } catch (thrown) {
    const { code, detail } = GatewayError.from(thrown);
    return { ready: false, reachable: false, found: `${code} ${detail ?? ''}`.trim() };
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
  }
}
