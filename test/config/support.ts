import { type Loaded, type ParseOptions, parseConfig } from '../../src/config/load.ts';
import { ConfigError, type Problem } from '../../src/config/problem.ts';

/** The least config that serves ZITADEL, in the clear on loopback. */
export const LEAST = `
listeners: [{ name: public, address: "127.0.0.1:0" }]
upstreams: { zitadel: { endpoints: ["127.0.0.1:8080"] } }
`;

/** A config from the least one and more keys. */
export function parse(more = '', options: ParseOptions = {}): Loaded {
  return parseConfig(`${LEAST}${more}`, { file: '/etc/gatehouse/gateway.yaml', ...options });
}

/** The problems of a config that cannot be used. */
export function problemsOf(text: string, options: ParseOptions = {}): readonly Problem[] {
  try {
    parseConfig(text, { file: 'gateway.yaml', ...options });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** The problems of the least config with more keys, as `path: message`. */
export function complaints(more: string, options: ParseOptions = {}): string[] {
  return problemsOf(`${LEAST}${more}`, options).map(({ path, message }) => `${path}: ${message}`);
}

/** The warnings of the least config with more keys, as `path: message`. */
export function warnings(more: string, options: ParseOptions = {}): string[] {
  return parse(more, options).warnings.map(({ path, message }) => `${path}: ${message}`);
}
