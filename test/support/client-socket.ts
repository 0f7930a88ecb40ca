import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';

/** Where and how a client by hand connects. */
export interface ClientSocketOptions {
  /** The authority to trust; TLS where it is given, else cleartext. */
  readonly ca?: string | undefined;
  /** The loopback address of the listener; 127.0.0.1 where it is not given. */
  readonly host?: string | undefined;
  /** The loopback address to come from; on cleartext. */
  readonly from?: string | undefined;
}

/** Connects to a listener on loopback; resolves when TLS is made too, with this protocol by ALPN. */
export async function connectSocket(
  port: number,
  protocol: 'h2' | 'http/1.1',
  { ca, host = '127.0.0.1', from }: ClientSocketOptions = {},
): Promise<Socket> {
  if (ca === undefined) {
    const socket = net.connect({ port, host, noDelay: true, ...(from !== undefined && { localAddress: from }) });
    await once(socket, 'connect');
    return socket;
  }
  const socket = tls.connect({ port, host, ca, servername: 'localhost', ALPNProtocols: [protocol] });
  await once(socket, 'secureConnect');
  return socket;
}
