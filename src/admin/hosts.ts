import { isLoopback } from './networks.ts';

/** The name or address in a Host field, without port, brackets and root dot; undefined where it has another form. */
function nameOf(host: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]@/]+))(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, '');
}

/**
 * A test for the Host of a request to a listener on loopback. A page in the operator's browser can make its own name
 * resolve to 127.0.0.1 (DNS rebinding) and then read what the browser takes for its own origin; but its Host is that name.
 */
export function hostCheck(hosts: readonly string[]): (host: string | undefined) => boolean {
  const allowed = new Set(['localhost', ...hosts.map((host) => host.toLowerCase())]);
  return (host) => {
    const name = host === undefined ? undefined : nameOf(host);
    return name !== undefined && (allowed.has(name) || isLoopback(name));
  };
}
