// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment, in YAML
// A list of endpoints in a file: everything is read or refused by its place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEndpointFile } from '../../src/config/endpoints.ts';
import { ConfigError } from '../../src/config/problem.ts';

const read = (text: string, max = 10) => parseEndpointFile(text, 'pods.yaml', max);

/** The problems of a text, a line each. */
function problems(text: string, max?: number): string {
  try {
    read(text, max);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return 'none';
}

test('addresses alone and with weights, as YAML and as JSON', () => {
  const entries = [
    { address: '10.0.0.7:8080', weight: 1 },
    { address: '[fd00::7]:8080', weight: 5 },
    { address: 'zitadel-0.zitadel:8080', weight: 1 },
  ];
  const yaml = `# pods\n- 10.0.0.7:8080\n- { address: "[fd00::7]:8080", weight: 5 }\n- address: zitadel-0.zitadel:8080\n`;
  assert.deepEqual(read(yaml), entries);
  assert.deepEqual(read(JSON.stringify(entries)), entries);
});

for (const [text, says] of [
  ['', /^pods\.yaml:1:1: expected a list of endpoints/],
  ['a: 1', /^pods\.yaml:1:1: expected a list of endpoints/],
  ['[]', /^pods\.yaml:1:1: /],
  ['- a:1\n- b', /^pods\.yaml:2:3: \[1\]: expected host:port/],
  ['- a:1\n- {address: b:1, weight: 0}', /^pods\.yaml:2:26: \[1\]\.weight: /],
  ['- a:1\n- {address: b:1, wieght: 2}', /^pods\.yaml:2:18: \[1\]\.wieght: unknown key.*weight/],
  ['- a:1\n- b:1\n- a:1\n', /^pods\.yaml:3:3: \[2\]: a:1 is given twice$/],
  ['- a:1\n- [', /^pods\.yaml:\d:\d: /],
  ['- http://a:1', /^pods\.yaml:1:3: \[0\]: expected host:port without a scheme/],
  ['- ${POD}', /^pods\.yaml:1:3: /],
] as const) {
  test(`refused: ${JSON.stringify(text)}`, () => assert.match(problems(text), says));
}

test('a list with more endpoints than may be used is refused, not cut', () => {
  assert.match(problems('- a:1\n- b:1\n- c:1', 2), /^pods\.yaml:1:1: .*2/);
});

test('any text is read or refused with its place, and nothing else happens', () => {
  const item = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom(
      'a:1',
      '10.0.0.1:80',
      '[::1]:80',
      'a',
      ':1',
      '{address: a:1}',
      '{address: a:1, weight: 3}',
      '*x',
      '&x a:2',
    ),
  );
  const list = fc.array(item, { maxLength: 5 }).map((items) => items.map((one) => `- ${one}`).join('\n'));
  fc.assert(
    fc.property(fc.oneof(list, fc.json(), fc.string({ unit: 'binary', maxLength: 100 })), (text) => {
      try {
        const entries = read(text);
        assert.ok(entries.length >= 1 && entries.length <= 10);
        assert.equal(new Set(entries.map(({ address }) => address)).size, entries.length);
        for (const { weight } of entries) assert.ok(Number.isInteger(weight) && weight >= 1 && weight <= 1000);
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
        for (const line of error.message.split('\n')) assert.match(line, /^pods\.yaml:\d+:\d+: /);
      }
    }),
    { numRuns: 500 },
  );
});
