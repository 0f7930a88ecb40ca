// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment, in YAML
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '../../src/config/load.ts';
import { routeFor } from './match.ts';

const root = new URL('../../config/', import.meta.url);
const FILES = ['gateway.yaml', ...readdirSync(new URL('examples/', root)).map((name) => `examples/${name}`)];
const env = { GATEHOUSE_ADMIN_TOKEN: 'a-token-for-the-test', SCIM_TOKEN: 'scim', GATEHOUSE_SHARED_PASSWORD: 'shared' };
const textOf = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const load = (file: string) => parseConfig(textOf(file), { file, env });

test('there is an example of each feature', () => assert.ok(FILES.length > 10));

for (const file of FILES) {
  test(`config/${file} loads, without warnings, into a route table`, () => {
    const { routes, warnings } = load(file);
    assert.deepEqual(warnings, []);
    assert.equal(routeFor(routes, { method: 'POST', path: '/oauth/v2/token' })?.class, 'token');
  });

  test(`config/${file} is complete by the editor's schema, which its first line names`, () => {
    const text = textOf(file);
    const up = file.includes('/') ? '../' : './';
    assert.equal(text.split('\n')[0], `# yaml-language-server: $schema=${up}gateway.schema.json`);
    const schema = JSON.parse(textOf('gateway.schema.json'));
    const parsed = z.fromJSONSchema(schema).safeParse(parseYaml(text));
    assert.deepEqual(parsed.error?.issues, undefined);
  });

  test(`config/${file} says what it is for in its first lines`, () => {
    assert.match(textOf(file).split('\n')[1]!, /^# [A-Z].*/);
  });
}

test("the editor's schema refuses what the gateway refuses", () => {
  const schema = z.fromJSONSchema(JSON.parse(textOf('gateway.schema.json')));
  const least = { listeners: [{ name: 'a', address: ':1' }], upstreams: { zitadel: { endpoints: ['a:1'] } } };
  assert.ok(schema.safeParse(least).success);
  assert.ok(schema.safeParse({ ...least, limits: { max_connections: '${MAX}' } }).success);
  for (const wrong of [
    { hint: true },
    { limits: { max_connections: 0 } },
    { limits: { max_connections: 'many' } },
    { listeners: [] },
    { log: { level: 'loud' } },
  ]) {
    assert.ok(!schema.safeParse({ ...least, ...wrong }).success, JSON.stringify(wrong));
  }
});

test('the container needs no variables, and takes the ones it names', () => {
  const { config } = parseConfig(textOf('gateway.yaml'), { file: 'gateway.yaml' });
  assert.deepEqual(config.hosts, []);
  assert.deepEqual(config.trusted_proxies, []);
  assert.deepEqual(config.upstreams.zitadel?.endpoints, ['zitadel:8080']);
  const given = parseConfig(textOf('gateway.yaml'), {
    file: 'gateway.yaml',
    env: {
      GATEHOUSE_HOST: 'id.example.com',
      GATEHOUSE_TRUSTED_PROXY: '10.0.0.0/8',
      ZITADEL_UPSTREAM: '[fd00::7]:80',
      GATEHOUSE_HTTPS_PORT: '8443',
    },
  }).config;
  assert.deepEqual(given.hosts, ['id.example.com']);
  assert.deepEqual(given.trusted_proxies, ['10.0.0.0/8']);
  assert.deepEqual(given.upstreams.zitadel?.endpoints, ['[fd00::7]:80']);
  assert.equal(given.listeners[1]?.redirect?.to_port, 8443);
});
