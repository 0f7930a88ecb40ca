// Every example of RFC 7541 appendix C.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackDecoder } from '../../../src/http2/hpack/decoder.ts';
import { HpackError } from '../../../src/http2/hpack/hpack-error.ts';
import { readInteger, writeInteger } from '../../../src/http2/hpack/integers.ts';
import { octets, WIDE } from './octets.ts';

for (const [title, value, mask, hex] of [
  ['C.1.1: 10 with a prefix of five bits', 10, 0x1f, '0a'],
  ['C.1.2: 1337 with a prefix of five bits', 1337, 0x1f, '1f9a0a'],
  ['C.1.3: 42 that begins with its octet', 42, 0xff, '2a'],
] as const) {
  test(title, () => {
    const written = Buffer.alloc(8);
    assert.equal(written.toString('hex', 0, writeInteger(written, 0, 0, mask, value)), hex);
    const cursor = { at: 0 };
    assert.equal(readInteger(octets(hex), cursor, mask), value);
    assert.equal(cursor.at, hex.length / 2);
  });
}

/** A block, its fields, and the table after it with the newest entry first; `name: value`. */
type Step = readonly [hex: string, fields: readonly string[], table: readonly string[]];

const AUTHORITY = ':authority: www.example.com';
const NO_CACHE = 'cache-control: no-cache';
const CUSTOM = 'custom-key: custom-value';
const GET = [':method: GET', ':scheme: http', ':path: /', AUTHORITY];
const REQUESTS = (...hex: readonly [string, string, string]): readonly Step[] => [
  [hex[0], GET, [AUTHORITY]],
  [hex[1], [...GET, NO_CACHE], [NO_CACHE, AUTHORITY]],
  [hex[2], [':method: GET', ':scheme: https', ':path: /index.html', AUTHORITY, CUSTOM], [CUSTOM, NO_CACHE, AUTHORITY]],
];

const PRIVATE = 'cache-control: private';
const LOCATION = 'location: https://www.example.com';
const COOKIE = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const GZIP = 'content-encoding: gzip';
const at = (second: number): string => `date: Mon, 21 Oct 2013 20:13:${second} GMT`;
/** The examples take a table of 256 bytes for granted; here the first block says so. */
const TABLE_OF_256 = '3fe101';
const ANSWERS = (...hex: readonly [string, string, string]): readonly Step[] => [
  [TABLE_OF_256 + hex[0], [':status: 302', PRIVATE, at(21), LOCATION], [LOCATION, at(21), PRIVATE, ':status: 302']],
  [hex[1], [':status: 307', PRIVATE, at(21), LOCATION], [':status: 307', LOCATION, at(21), PRIVATE]],
  [hex[2], [':status: 200', PRIVATE, at(22), LOCATION, GZIP, COOKIE], [COOKIE, GZIP, at(22)]],
];

const EXAMPLES: readonly (readonly [title: string, steps: readonly Step[]])[] = [
  [
    'C.2.1: a literal with indexing',
    [
      [
        '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
        ['custom-key: custom-header'],
        ['custom-key: custom-header'],
      ],
    ],
  ],
  ['C.2.2: a literal without indexing', [['040c 2f73 616d 706c 652f 7061 7468', [':path: /sample/path'], []]]],
  ['C.2.3: a literal never indexed', [['1008 7061 7373 776f 7264 0673 6563 7265 74', ['password: secret'], []]]],
  ['C.2.4: an indexed field', [['82', [':method: GET'], []]]],
  [
    'C.3: requests without Huffman coding',
    REQUESTS(
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ),
  ],
  [
    'C.4: requests with Huffman coding',
    REQUESTS(
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ),
  ],
  [
    'C.5: answers without Huffman coding, with evictions',
    ANSWERS(
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d
       546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
       6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
       2076 6572 7369 6f6e 3d31`,
    ),
  ],
  [
    'C.6: answers with Huffman coding, with evictions',
    ANSWERS(
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
       8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
       dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ),
  ],
];

const pairs = (fields: readonly string[]): string[] =>
  fields.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${fields[i + 1]}`] : []));

for (const [title, steps] of EXAMPLES) {
  test(title, () => {
    const decoder = new HpackDecoder(WIDE);
    for (const [hex, fields, table] of steps) {
      assert.deepEqual(pairs(decoder.decode(octets(hex)).fields), fields);
      const all = Buffer.from(table.map((_, i) => 0x80 | (62 + i)));
      assert.deepEqual(pairs(decoder.decode(all).fields), table);
    }
    const beyond = 62 + steps.at(-1)![2].length;
    assert.throws(() => decoder.decode(Buffer.from([0x80 | beyond])), HpackError);
  });
}
