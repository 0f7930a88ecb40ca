import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';
import { alternatives, childOf, core, keysOf, layers, marks, type Schema } from '../../src/config/shape.ts';
import { POLICIES } from '../../src/policies/index.ts';
import { parse } from './support.ts';

/** Every key of the schema with its path. */
function* keys(schema: Schema, path: string): Generator<[string, Schema]> {
  for (const one of alternatives(schema)) {
    const { def } = one._zod;
    if (def.type === 'object') {
      for (const [key, below] of Object.entries(def.shape)) {
        yield [`${path}.${key}`, below];
        yield* keys(below, `${path}.${key}`);
      }
    }
    if (def.type === 'array') yield* keys(def.element, `${path}[]`);
    if (def.type === 'record') yield* keys(def.valueType, `${path}.*`);
  }
}

const all = [...keys(configSchema, '')];

test('every key says what it is, in a sentence', () => {
  assert.ok(all.length > 100, `${all.length} keys`);
  const silent = all.filter(([, schema]) => !/\.$/.test(marks(schema).description ?? ''));
  assert.deepEqual(
    silent.map(([path]) => path),
    [],
  );
});

test('every key with a unit in its meaning has it in its name', () => {
  const wrong = all.filter(([path, schema]) => {
    const { description = '' } = marks(schema);
    if (core(schema)._zod.def.type !== 'number') return false;
    return (
      (/in milliseconds/.test(description) && !path.endsWith('_ms')) ||
      (/in bytes/.test(description) && !path.endsWith('_bytes'))
    );
  });
  assert.deepEqual(
    wrong.map(([path]) => path),
    [],
  );
});

test('every number has a lowest and a highest value', () => {
  const open = all.filter(([, schema]) => {
    const inner = core(schema) as {
      minValue?: number | null;
      maxValue?: number | null;
      _zod: { def: { type: string } };
    };
    if (inner._zod.def.type !== 'number') return false;
    return !((inner.minValue ?? -Infinity) >= 0) || !((inner.maxValue ?? Infinity) < Number.MAX_SAFE_INTEGER);
  });
  assert.deepEqual(
    open.map(([path]) => path),
    [],
  );
});

test('every policy of the list is a key of policies, classes and routes', () => {
  for (const path of [['policies'], ['classes', 'x'], ['routes', 0, 'policies']]) {
    const at = path.reduce<Schema | undefined>(childOf, configSchema);
    assert.deepEqual(
      Object.keys(keysOf(at!)!),
      POLICIES.map(({ name }) => name),
    );
  }
});

test('what a policy level leaves out stays out, whatever defaults the policy has', () => {
  assert.deepEqual(parse('policies: { deadline: { total_ms: 5 } }').config.policies, { deadline: { total_ms: 5 } });
  assert.deepEqual(parse('policies: { headers: { answer: {} } }').config.policies, { headers: { answer: {} } });
});

test('the least config is complete: nothing is undefined that has a default', () => {
  const { config } = parse();
  assert.deepEqual(config.preset, {
    name: 'zitadel',
    upstream: 'zitadel',
    reflection: false,
    api_alias: false,
    open: [],
    open_on: [],
  });
  assert.deepEqual(config.listeners, [
    {
      name: 'public',
      address: '127.0.0.1:0',
      external_scheme: 'http',
      trust: 'public',
      allow: [],
      proxy_protocol: false,
    },
  ]);
  assert.equal(config.limits.max_url_bytes, 32_768);
  assert.equal(config.upstreams.zitadel?.protocol, 'h2c');
  assert.equal(config.admin.address, '127.0.0.1:9090');
  for (const [key, schema] of Object.entries(configSchema.shape)) {
    const optional = layers(schema).some(({ _zod }) => _zod.def.type === 'optional');
    assert.ok(optional || key in config, key);
  }
});

test('the scheme that clients see follows from TLS, unless it is given', () => {
  const scheme = (more: string): string | undefined =>
    parseConfig(
      `listeners: [{ name: a, address: "127.0.0.1:0"${more} }]\nupstreams: { zitadel: { endpoints: ["a:1"] } }`,
    ).config.listeners[0]?.external_scheme;
  assert.equal(scheme(''), 'http');
  assert.equal(scheme(', tls: { development: true }'), 'https');
  assert.equal(scheme(', external_scheme: https'), 'https');
});

test('min_version may be written without quotes', () => {
  const version = (text: string): string | undefined =>
    parseConfig(
      `listeners: [{ name: a, address: "127.0.0.1:0", tls: { development: true, min_version: ${text} } }]\nupstreams: { zitadel: { endpoints: ["a:1"] } }`,
    ).config.listeners[0]?.tls?.min_version;
  assert.deepEqual([version('1.3'), version('"1.3"'), version('1.2')], ['1.3', '1.3', '1.2']);
});

test('an upstream over TLS verifies by default; one in the clear has no TLS settings', () => {
  const tls = (protocol: string): unknown =>
    parseConfig(
      `listeners: [{ name: a, address: "127.0.0.1:0" }]\nupstreams: { zitadel: { protocol: ${protocol}, endpoints: ["a:1"] } }`,
    ).config.upstreams.zitadel?.tls;
  assert.deepEqual(tls('h2'), { insecure_skip_verify: false });
  assert.deepEqual(tls('https'), { insecure_skip_verify: false });
  assert.equal(tls('h2c'), undefined);
});

test('names are kept as they compare: hosts in lower case, methods in upper case', () => {
  const { config } = parse(
    'hosts: [ID.Example.com]\nroutes: [{ name: r, paths: [/r], methods: [get], hosts: ["*.EXAMPLE.com"] }]',
  );
  assert.deepEqual(config.hosts, ['id.example.com']);
  assert.deepEqual([config.routes[0]?.methods, config.routes[0]?.hosts], [['GET'], ['*.example.com']]);
});

test('a complete config is a config: parsed again it is the same', () => {
  const { config } = parse(
    'preset: { login_upstream: zitadel, open: [health] }\nroutes: [{ name: r, paths: [/r], policies: { deadline: false } }]\nclasses: { api: { body_limit: { max_bytes: 5 } } }',
  );
  assert.deepEqual(configSchema.parse(structuredClone(config)), config);
});
