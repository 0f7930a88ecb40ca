/** The endpoints of an upstream as the config, or a file beside it, lists them. */

import { z } from 'zod';
import { findingsOf } from './issues.ts';
import { ConfigError, type Finding, formatPath } from './problem.ts';
import { type ListedEndpoint, listedEndpoint } from './schema/discovery.ts';
import type { UpstreamConfig } from './schema.ts';
import { MAX_FILE_BYTES, readSource } from './source.ts';

/** An address with its weight. */
export interface EndpointEntry {
  readonly address: string;
  readonly weight: number;
}

/** A listed endpoint with its weight, which is 1 where none is given. */
export function endpointEntry(listed: ListedEndpoint): EndpointEntry {
  return typeof listed === 'string' ? { address: listed, weight: 1 } : listed;
}

/** Where the endpoints of an upstream are, in a few words: for people. */
export function whereabouts({ endpoints = [], discovery }: UpstreamConfig): string {
  if (discovery === undefined) {
    return endpoints
      .map(endpointEntry)
      .map(({ address, weight }) => (weight === 1 ? address : `${address} (weight ${weight})`))
      .join(', ');
  }
  const { dns, srv, file } = discovery;
  if (dns !== undefined) return `the addresses of ${dns.name}, port ${dns.port}`;
  return srv === undefined ? `the list in ${file}` : `the SRV records of ${srv.name}`;
}

/** Those that are given twice, as findings below `path`. */
export function givenTwice(endpoints: readonly ListedEndpoint[], path: Finding['path']): Finding[] {
  const seen = new Set<string>();
  return endpoints.flatMap((listed, index) => {
    const { address } = endpointEntry(listed);
    if (seen.has(address)) return [{ path: [...path, index], message: `${address} is given twice` }];
    seen.add(address);
    return [];
  });
}

/** The endpoints of a YAML or JSON text: a list as `endpoints` has it. Throws a ConfigError with every problem and its place. */
export function parseEndpointFile(text: string, file: string, maxEndpoints: number): EndpointEntry[] {
  const schema = z.array(listedEndpoint).min(1).max(maxEndpoints);
  const whole = (message: string) => new ConfigError([{ file, line: 1, column: 1, path: '', message }]);
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) throw whole(`larger than ${MAX_FILE_BYTES} bytes`);
  const source = readSource({
    text,
    file,
    env: {},
    readFile: () => {
      throw new Error('a list of endpoints has no secrets');
    },
    schema,
  });
  const findings = [...source.findings];
  const parsed = source.value === undefined ? undefined : schema.safeParse(source.value);
  if (parsed?.success === false) {
    if (!Array.isArray(source.value)) throw whole('expected a list of endpoints such as ["10.0.0.7:8080"]');
    findings.push(...findingsOf(parsed.error.issues, source.value, schema));
  }
  if (parsed?.success) findings.push(...givenTwice(parsed.data, []));
  if (findings.length === 0 && parsed?.success) return parsed.data.map(endpointEntry);
  throw new ConfigError(
    findings.map(({ path, message, atKey, place }) => ({
      file,
      ...(place ?? source.place(path, atKey)),
      path: formatPath(path),
      message,
    })),
  );
}
