// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment, in YAML
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { complaints, LEAST, parse, problemsOf } from './support.ts';

const where = (text: string): string[] => problemsOf(text).map(({ line, column, path }) => `${line}:${column} ${path}`);

test('a wrong value is found at the value, an unknown key at the key', () => {
  const text =
    'listeners:\n  - name: "a b"\n    address: ":1"\n    port: 2\nupstreams: { zitadel: { endpoints: ["a:1"] } }\n';
  assert.deepEqual(where(text), ['2:11 listeners[0].name', '4:5 listeners[0].port']);
});

test('a missing key is found where the map stands that lacks it', () => {
  assert.deepEqual(where('upstreams: { zitadel: { endpoints: ["a:1"] } }\nlisteners:\n  - name: a\n'), [
    '3:5 listeners[0].address',
  ]);
});

test('columns count characters, also after text that is not ASCII', () => {
  assert.deepEqual(where(`${LEAST}hosts: ["ÄÖ.example", "x y"]\n`), ['4:9 hosts[0]', '4:23 hosts[1]']);
});

test('positions hold with CRLF, tabs in values, comments and a byte order mark', () => {
  const text =
    '\ufeff# comment\r\nlisteners: [{ name: public, address: "127.0.0.1:0" }]\r\nupstreams: { zitadel: { endpoints: ["a:1"] } }\r\nhints: 3\r\n';
  assert.deepEqual(where(text), ['4:8 hints']);
});

test('a key that is given twice is found at the second, whatever else is wrong', () => {
  assert.deepEqual(
    problemsOf(`${LEAST}log: { level: loud }\nlisteners: []\n`).map(({ line, message }) => `${line} ${message}`),
    ['4 expected debug, info, warn, error or silent, found "loud"', '5 given twice, first at line 2'],
  );
});

test('a key is given twice also when one is quoted', () => {
  assert.deepEqual(complaints('log: { level: info, "level": warn }'), ['log.level: given twice, first at line 4']);
});

test('what is not YAML is found with its position', () => {
  const [problem] = problemsOf('listeners:\n  - name: a\n   address: b\n');
  assert.equal(problem?.line, 3);
  assert.ok(problem.message.length > 10);
});

test('several documents in one file are a problem', () => {
  assert.ok(problemsOf(`${LEAST}---\n${LEAST}`).length > 0);
});

test('tags that are not of YAML are a problem', () => {
  assert.match(complaints('hosts: [!env X]').join(), /!env/);
});

test('a %YAML 1.1 directive does not turn yes into true', () => {
  assert.match(complaints(`hints: yes`).join(), /expected true or false, found "yes"/);
  assert.match(
    problemsOf(`%YAML 1.1\n---\n${LEAST}hints: yes\n`)
      .map(({ message }) => message)
      .join(),
    /expected true or false/,
  );
});

test('an alias stands for its value, and problems in it are found where the anchor is', () => {
  const yaml = 'classes: { login: &p { deadline: { total_ms: 7 } }, api: *p }\n';
  assert.deepEqual(parse(yaml).config.classes.api, { deadline: { total_ms: 7 } });
  assert.deepEqual(where(`${LEAST}classes:\n  a: &p { deadline: { total_ms: x } }\n  b: *p\n`), [
    '5:33 classes.a.deadline.total_ms',
    '5:33 classes.b.deadline.total_ms',
  ]);
});

test('an alias without an anchor, and one that holds itself, are problems', () => {
  assert.match(complaints('hosts: *nothing').join(), /nothing/);
  assert.match(complaints('classes: &c { a: *c }').join(), /nested more than 64 deep/);
});

// "Billion laughs": a text of a few hundred bytes that stands for gigabytes.
test('aliases of aliases end at a bound, soon', () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) =>
      `a${i}: &a${i} [${Array(9)
        .fill(i === 0 ? '1' : `*a${i - 1}`)
        .join(', ')}]`,
  );
  const started = process.cpuUsage();
  const found = problemsOf(levels.join('\n'));
  // Of this process: a busy machine takes longer.
  const { user, system } = process.cpuUsage(started);
  assert.match(found.map(({ message }) => message).join(), /more than/);
  assert.ok(user + system < 2_000_000);
});

test('many aliases end at a bound', () => {
  const text = `hosts: [&h a.example${', *h'.repeat(200)}]\n`;
  assert.match(complaints(text).join(), /more than 100 aliases/);
});

test('nesting ends at a bound', () => {
  assert.match(complaints(`hosts: ${'['.repeat(200)}${']'.repeat(200)}`).join(), /nested more than 64 deep/);
});

test('merge keys are named', () => {
  assert.match(
    complaints('log: &l { level: info }\nshutdown: { <<: *l }').join(),
    /shutdown\["<<"\]: merge keys are not supported/,
  );
});

test('__proto__ is an unknown key everywhere and changes nothing', () => {
  const found = complaints(
    '__proto__: { hints: false }\nlog: { __proto__: { level: warn } }\nclasses: { __proto__: {} }',
  );
  assert.deepEqual(found, ['__proto__: unknown key', 'log.__proto__: unknown key', 'classes.__proto__: unknown key']);
  assert.equal(({} as Record<string, unknown>).hints, undefined);
});

test('keys that are lists or maps are problems', () => {
  assert.match(complaints('? [a]\n: b').join(), /expected a plain word as a key/);
});

test('a file of a secret is read relative to the config, without its last line break only', () => {
  const read: string[] = [];
  const readFile = (path: string): string => {
    read.push(path);
    return 'a-token-of-some-length\r\n';
  };
  const { config } = parse('admin: { token: "file:secrets/${N}" }', { readFile, env: { N: 'admin' } });
  assert.equal(config.admin.token, 'a-token-of-some-length');
  assert.deepEqual(read, ['/etc/gatehouse/secrets/admin']);
});

test('a file that cannot be read is a problem with its position', () => {
  const [problem] = problemsOf(`${LEAST}admin:\n  token: file:/nowhere/token\n`);
  assert.deepEqual([problem?.line, problem?.column], [5, 10]);
  assert.equal(problem?.message, 'cannot read /nowhere/token (ENOENT)');
});

// Harm: whoever sets a variable could have any file of the gateway sent as a token or shown in an error.
test('a variable cannot name a file to read', () => {
  const readFile = (): string => assert.fail('a file was read');
  const { config } = parse('admin: { token: "${T}" }', { readFile, env: { T: 'file:/etc/shadow-is-long' } });
  assert.equal(config.admin.token, 'file:/etc/shadow-is-long');
});

test('only secrets read files', () => {
  const readFile = (): string => assert.fail('a file was read');
  assert.match(complaints('hosts: ["file:/etc/passwd"]', { readFile }).join(), /expected a host name/);
});

test('relative names of certificates are relative to the config', () => {
  const text =
    'listeners: [{ name: a, address: ":0", tls: { certificates: [{ certificate_file: tls/c.pem, key_file: /k.pem }] } }]\nupstreams: { zitadel: { endpoints: ["a:1"] } }';
  const { config } = parseConfig(text, { file: '/etc/gatehouse/gateway.yaml' });
  assert.deepEqual(config.listeners[0]?.tls?.certificates, [
    { certificate_file: '/etc/gatehouse/tls/c.pem', key_file: '/k.pem' },
  ]);
});

test('a secret never stands in a message', () => {
  for (const token of ['short-secret', 'a secret with spaces in it', '1234']) {
    const found = problemsOf(`${LEAST}admin: { token: "\${T}" }`, { env: { T: token } });
    assert.equal(found.length, 1);
    assert.ok(!JSON.stringify(found).includes(token), 'the secret stands in a message');
  }
  const found = complaints('admin: { token: 123456 }');
  assert.ok(!found.join().includes('123456'), found.join());
});
