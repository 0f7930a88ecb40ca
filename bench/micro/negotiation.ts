/** What it costs to choose the content coding of an answer. */

import assert from 'node:assert/strict';
import { Acceptance } from '../../src/encoding/negotiate.ts';
import { type Case, inTurn, measured } from './case.ts';

const acceptance = new Acceptance();
const usual = inTurn(['gzip, deflate, br, zstd', 'gzip, deflate, br', 'gzip', 'br;q=1.0, gzip;q=0.8, *;q=0.1']);
/** More than are remembered, as somebody sends who makes them up. */
const made = inTurn(
  Array.from(
    { length: 4096 },
    (_, i) =>
      `gzip;q=0.${String(i + 1)
        .padStart(4, '0')
        .slice(1)}1, br;q=0`,
  ),
);
const unheard = inTurn(Array.from({ length: 900 }, (_, i) => `gzip;q=0.${i + 100}, br;q=0`));
const long = `${'x-unknown;q=0.5, '.repeat(40)}gzip`;

export const cases: readonly Case[] = [
  measured(
    'what browsers send',
    () => acceptance.coding(usual()),
    (coding) => assert.ok(coding !== undefined),
  ),
  measured(
    'a value that was not seen lately',
    () => acceptance.coding(unheard()),
    (coding) => assert.equal(coding, 'gzip'),
  ),
  measured(
    'one that cannot be read',
    () => acceptance.coding(made()),
    (coding) => assert.equal(coding, undefined),
  ),
  measured(
    'one that is too long to be read',
    () => acceptance.coding(long),
    (coding) => assert.equal(coding, undefined),
  ),
  measured(
    'none',
    () => acceptance.coding(undefined),
    (coding) => assert.equal(coding, undefined),
  ),
];
