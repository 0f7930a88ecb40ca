/** Why an address cannot be bound, in words; `code` is Node's. */
export function bindProblem(code: string | undefined): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is taken by another process (EADDRINUSE)';
    case 'EADDRNOTAVAIL':
      return 'no interface of this machine has the address (EADDRNOTAVAIL)';
    case 'EACCES':
      return 'the port needs privileges (EACCES): take one from 1024, or grant CAP_NET_BIND_SERVICE';
    default:
      return `it cannot be bound (${code ?? 'unknown'})`;
  }
}
