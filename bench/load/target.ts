/** Reads what a person says of a target. */

import type { Target } from './plan.ts';

/** What all servers are offered where they are compared: each of them has it, whatever it would like better. */
export const ONE_TLS = { ciphers: 'TLS_AES_128_GCM_SHA256', groups: 'X25519' } as const;

/** What a URL leaves open. */
export interface TargetOptions {
  readonly protocol: Target['protocol'];
  /** Name to ask for, where it is not the URL's: `:authority` and, without a port, the server name of TLS. */
  readonly authority: string | undefined;
  readonly verify: boolean;
}

/** The target of an http or https URL; http with HTTP/2 is by prior knowledge. Throws where it is none. */
export function targetOf(text: string, { protocol, authority, verify }: TargetOptions): Target {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Error(`expected http:// or https://, got '${text}'`);
  if (url.pathname !== '/' || url.search !== '') throw new Error(`'${text}': paths are the scenarios' own`);
  const tls = url.protocol === 'https:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (tls ? 443 : 80) : Number(url.port),
    tls,
    authority: authority ?? url.host,
    protocol,
    verify,
  };
}
