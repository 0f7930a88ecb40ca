/**
 * The content codings that the gateway speaks, preferred first. A new one is one file here beside, one name in
 * `coding.ts` and one item in this list; `test/contracts/codings.test.ts` holds every one to the contract.
 */

import { brotli } from './brotli.ts';
import { CODING_NAMES, type Coding, type CodingName } from './coding.ts';
import { gzip } from './gzip.ts';
import { zstd } from './zstd.ts';

const BY_NAME: Readonly<Record<CodingName, Coding>> = { br: brotli, zstd, gzip };

/** All of them, preferred first. */
export const CODINGS: readonly Coding[] = CODING_NAMES.map((name) => BY_NAME[name]);

/** The coding of a name. */
export function codingOf(name: CodingName): Coding {
  return BY_NAME[name];
}
