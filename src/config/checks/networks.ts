import { isLoopback, parseListenAddress } from '../address.ts';
import { parseNetwork } from '../network.ts';
import type { Path } from '../problem.ts';
import type { Check, Findings } from './check.ts';

function list(found: Findings, path: Path, networks: readonly string[], everyone: string): void {
  for (const [index, text] of networks.entries()) {
    const { canonical, prefix, hostBits } = parseNetwork(text);
    if (prefix === 0) found.warn([...path, index], everyone);
    else if (hostBits) found.warn([...path, index], `has host bits and means ${canonical}`);
  }
}

/** Who is trusted and who reaches what: the admin listener has a token where others reach it, and no list says everybody by accident. */
export const networks: Check = ({ config: { admin, trusted_proxies: proxies }, listeners }, found) => {
  list(found, ['trusted_proxies'], proxies ?? [], 'believes everybody: any client can claim any address and scheme');
  for (const [index, { allow }] of listeners) {
    list(found, ['listeners', index, 'allow'], allow, 'lets everybody in: any client can say which instance it means');
  }
  if (admin === undefined || !admin.enabled) return;
  list(found, ['admin', 'metrics_allow'], admin.metrics_allow, 'lets everybody read /metrics');
  if (!isLoopback(parseListenAddress(admin.address)!.host) && admin.token === undefined) {
    found.problem(
      ['admin', 'address'],
      'others than this machine can reach it: expected a token, or an address such as 127.0.0.1:9090',
    );
  }
};
