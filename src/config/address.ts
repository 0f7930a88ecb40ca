import { isIP } from 'node:net';
import { z } from 'zod';
import { hostProblem } from './host.ts';

/** A host and a port, ready for `listen` or `connect`. */
export interface Address {
  /** An IP without brackets, or a name. `::` takes IPv4 as well (dual stack). */
  readonly host: string;
  readonly port: number;
}

const FORM = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/;

/** Splits `host:port` and `[ipv6]:port`; the host may be empty. Undefined where the text has another form. */
function split(text: string): { host: string; bracketed: boolean; port: number } | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65_535 || (match[1] !== undefined && isIP(match[1]) !== 6)) return undefined;
  return { host: match[1] ?? match[2]!, bracketed: match[1] !== undefined, port };
}

/** Reads the address of a listener: an IP literal, `localhost`, or nothing for all addresses; port 0 lets the system choose. */
export function parseListenAddress(text: string): Address | undefined {
  const parts = split(text);
  if (parts === undefined) return undefined;
  if (parts.host === '') return { host: '::', port: parts.port };
  if (!parts.bracketed && parts.host !== 'localhost' && isIP(parts.host) !== 4) return undefined;
  return { host: parts.host, port: parts.port };
}

/** Reads the address of an endpoint: a name or an IP, and a port from 1. */
export function parseEndpoint(text: string): Address | undefined {
  const parts = split(text);
  if (parts === undefined || parts.port === 0 || parts.host === '' || parts.host.startsWith('*')) return undefined;
  if (!parts.bracketed && hostProblem(parts.host.toLowerCase()) !== undefined) return undefined;
  return { host: parts.host, port: parts.port };
}

/** Whether only the machine itself can reach a listener bound to the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** The address of a listener in the schema. */
export const listenAddress = z.string().refine((text) => parseListenAddress(text) !== undefined, {
  error: 'expected an address and a port such as "[::]:8443", "0.0.0.0:8443", "127.0.0.1:9090" or ":8443"',
});

/** The address of an endpoint in the schema. */
export const endpoint = z.string().superRefine((text, context) => {
  if (parseEndpoint(text) !== undefined) return;
  const message = text.includes('://')
    ? 'expected host:port without a scheme; `protocol` says how the endpoint is spoken to'
    : 'expected host:port such as "zitadel:8080", "10.0.0.7:8080" or "[fd00::7]:8080"';
  context.addIssue({ code: 'custom', message });
});
