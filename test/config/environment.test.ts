// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment, in YAML
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { coreScalar, expand } from '../../src/config/environment.ts';
import { complaints, LEAST, parse, problemsOf } from './support.ts';

// A variable comes from somewhere else than the file: a deployment tool, a secret store, a user's form.
// Harm: text substitution before parsing would let it add keys, say `insecure_skip_verify: true` after a line break.

const ATTACKS = [
  'a\nadmin: { address: "[::]:1" }',
  'x: y',
  '"quoted", more',
  '} , { name: evil',
  '[1, 2]',
  '&anchor value',
  '*alias',
  '!!map {}',
  '# comment',
  '- item',
  '${OTHER}',
  '---\nevil: true',
];

for (const attack of ATTACKS) {
  test(`the value ${JSON.stringify(attack)} stays one value, plain, quoted and within text`, () => {
    const yaml =
      'policies: { headers: { answer: { set: { a: "${X}", b: "p${X}s" } } } }\nlog: { redact_query: ["${X}"] }\n';
    const env = { X: attack, OTHER: 'other' };
    const bad = complaints(yaml, { env });
    // Line breaks are no header values: refused, never a key.
    if (attack.includes('\n')) {
      assert.deepEqual(
        bad.map((line) => line.split(':')[0]),
        ['policies.headers.answer.set.a', 'policies.headers.answer.set.b'],
      );
      return;
    }
    const { config } = parse(yaml, { env });
    assert.deepEqual(config.log.redact_query, [attack]);
    assert.deepEqual(config.policies.headers, { answer: { set: { a: attack, b: `p${attack}s` } } });
    assert.deepEqual(Object.keys(config).sort(), Object.keys(parse().config).sort());
  });
}

test('whatever a variable holds, the config has the same keys and the value is the variable', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }), (value) => {
      const { config } = parse('log: { redact_query: ["${X}"] }', { env: { X: value } });
      assert.deepEqual(config.log, { ...parse().config.log, redact_query: [value] });
    }),
    { numRuns: 200 },
  );
});

test('a reference in a key is no reference', () => {
  const [problem] = problemsOf(`${LEAST}\${KEY}: 1\n`, { env: { KEY: 'hosts' } });
  assert.equal(problem?.path, '["${KEY}"]');
  assert.equal(problem?.message, 'unknown key');
});

test('a value that is one reference takes the type that its key wants', () => {
  const yaml =
    'limits: { max_connections: "${N}" }\nhints: ${B}\nlog: { redact_query: ["${N}"], level: "${L:-warn}" }\n';
  const { config } = parse(yaml, { env: { N: '1234', B: 'false' } });
  assert.equal(config.limits.max_connections, 1234);
  assert.equal(config.hints, false);
  assert.equal(config.log.level, 'warn');
  assert.deepEqual(config.log.redact_query, ['1234'], 'where text is wanted it stays text');
});

test('a token of digits stays text', () => {
  assert.equal(
    parse('admin: { token: "${T}" }', { env: { T: '00001111222233334444' } }).config.admin.token,
    '00001111222233334444',
  );
});

test('a value of the wrong type is told with the position of the reference', () => {
  const [problem] = problemsOf(`${LEAST}limits:\n  max_connections: \${N}\n`, { env: { N: 'many' } });
  assert.deepEqual([problem?.line, problem?.column, problem?.path], [5, 20, 'limits.max_connections']);
  assert.match(problem!.message, /expected a whole number, 1 to 1000000, found "many"/);
});

test('a variable that is not set is a problem, and one only', () => {
  assert.deepEqual(complaints('admin: { address: ":1", token: "${T}" }'), [
    'admin.token: the environment variable T is not set; ${T:-default} gives a default',
  ]);
});

test('a variable that is empty is a problem where the whole value is meant', () => {
  assert.deepEqual(complaints('log: { redact_query: ["${T}"] }', { env: { T: '' } }), [
    'log.redact_query[0]: the environment variable T is empty; ${T:-} says that this may be left out',
  ]);
});

test('${NAME:-} leaves the key or the list entry out', () => {
  const { config } = parse('hosts: ["${A:-}", "${B:-}", c.example]\nadmin: { token: "${T:-}" }\nhints: ${H:-}', {
    env: { A: '', B: 'b.example' },
  });
  assert.deepEqual(config.hosts, ['b.example', 'c.example']);
  assert.equal(config.admin.token, undefined);
  assert.equal(config.hints, true);
});

test('entries after one that is left out keep their positions', () => {
  const [problem] = problemsOf(`${LEAST}hosts:\n  - \${A:-}\n  - good.example\n  - bad host\n`);
  assert.deepEqual([problem?.path, problem?.line], ['hosts[1]', 7]);
});

test('a default counts where the variable is missing or empty', () => {
  assert.equal(expand('${X:-d}', {}).text, 'd');
  assert.equal(expand('${X:-d}', { X: '' }).text, 'd');
  assert.equal(expand('${X:-d}', { X: 'v' }).text, 'v');
  assert.equal(expand('${X:-a:-b}', {}).text, 'a:-b');
});

test('$${ is a literal ${', () => {
  assert.equal(expand('$${X} and ${X}', { X: '1' }).text, '${X} and 1');
});

test('what is no reference is told', () => {
  for (const text of ['${', '${}', '${1X}', '${X', '${X-d}', '${X:?message}', '${ X }']) {
    assert.match(expand(text, { X: '1' }).problems[0] ?? '', /is no reference/, text);
  }
  assert.deepEqual(expand('$X $ {X} }', {}).problems, []);
});

test('names of Object.prototype are no variables', () => {
  assert.equal(expand('${constructor}', {}).problems.length, 1);
  assert.equal(expand('${toString:-no}', {}).text, 'no');
});

test('scalars are read as YAML 1.2 reads them: yes is text, 010 is ten', () => {
  const rows: [string, unknown][] = [
    ['true', true],
    ['False', false],
    ['yes', 'yes'],
    ['null', null],
    ['~', null],
    ['10', 10],
    ['-3', -3],
    ['010', 10],
    ['0x1F', 31],
    ['0o17', 15],
    ['1.5', 1.5],
    ['1e3', 1000],
    ['1_000', '1_000'],
    ['10s', '10s'],
    ['', ''],
    ['.', '.'],
    [' 1', ' 1'],
  ];
  for (const [text, value] of rows) assert.equal(coreScalar(text), value, text);
});
