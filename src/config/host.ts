import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { z } from 'zod';

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** What is wrong with a host name, or undefined. Names are lower-case ASCII, IPv6 stands in brackets, there is no port. */
export function hostProblem(name: string): string | undefined {
  if (name === '*') return 'expected a host name; leave the list empty to serve any host';
  const bracketed = /^\[(.*)\]$/.exec(name);
  if (bracketed !== null) return isIP(bracketed[1]!) === 6 ? undefined : 'expected an IPv6 address in the brackets';
  if (isIP(name) === 6) return `expected the brackets of a Host header: [${name}]`;
  if (name.includes('://')) return 'expected a host name without a scheme';
  if (/:\d*$/.test(name)) return 'expected a host name without a port: every port of the host is meant';
  if (/[^\x00-\x7f]/.test(name)) return `expected the ASCII form ${domainToASCII(name) || 'of the name'}`;
  const labels = (name.startsWith('*.') ? name.slice(2) : name).split('.');
  if (name.length > 253 || !labels.every((label) => LABEL.test(label))) {
    return 'expected a host name such as id.example.com or *.example.com';
  }
  return undefined;
}

/** A host in the schema: an exact name, an address, or `*.` and a name for everything below it. */
export const host = z
  .string()
  .transform((text) => text.toLowerCase())
  .superRefine((text, context) => {
    const message = hostProblem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

/** Whether a name, exact or wildcard, is served by a list of hosts; an empty list serves all. */
export function hostCovered(name: string, hosts: readonly string[]): boolean {
  return (
    hosts.length === 0 ||
    hosts.some((served) => served === name || (served.startsWith('*.') && name.endsWith(served.slice(1))))
  );
}
