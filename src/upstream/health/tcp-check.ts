import { connectTcp } from '../connect.ts';
import { parseAddress } from '../endpoint.ts';
import { connectError } from '../node-error.ts';
import type { Check } from './check.ts';

/** Ready is who accepts a connection. */
export function tcpCheck(timeoutMs: number): Check {
  return async (address, signal) => {
    const { socket, ready } = connectTcp(parseAddress(address), timeoutMs);
    const stop = (): void => void socket.destroy();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await ready;
      return { ready: true, reachable: true, found: 'accepts connections' };
    } catch (thrown) {
      const { code, detail } = connectError(thrown, address);
      return { ready: false, reachable: false, found: `${code} ${detail ?? ''}`.trim() };
    } finally {
      stop();
      signal.removeEventListener('abort', stop);
    }
  };
}
