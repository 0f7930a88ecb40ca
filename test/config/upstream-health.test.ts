// What of an upstream's health and balancer is right, what is refused, and what the preset adds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { healthSettings } from '../../src/gateway/health-settings.ts';
import { parse, problemsOf } from './support.ts';

const LISTENER = 'listeners: [{ name: a, address: "127.0.0.1:0" }]\n';
const settings = (upstreams: string, name: string, more = '') =>
  healthSettings(name, parseConfig(`${LISTENER}upstreams: { ${upstreams} }\n${more}`).config);

test('ZITADEL is asked for /debug/ready, Login v2 for its own health, others for a connection', () => {
  const upstreams =
    'zitadel: { endpoints: ["a:1"] }, login: { protocol: http/1.1, endpoints: ["b:1"] }, other: { endpoints: ["c:1"] }';
  const more = 'preset: { login_upstream: login }\nhosts: ["*.example.com", id.example.com]\n';
  const of = (name: string) => settings(upstreams, name, more).check;
  assert.deepEqual([of('zitadel').type, of('zitadel').path], ['http', '/debug/ready']);
  assert.deepEqual([of('login').type, of('login').path], ['http', '/ui/v2/login/healthy']);
  assert.equal(of('other').type, 'tcp');
  assert.equal(of('zitadel').host, 'id.example.com');
  assert.equal(settings(upstreams, 'zitadel').check.host, 'localhost');
  assert.equal(settings(upstreams, 'zitadel', 'preset: none\n').check.type, 'tcp');
});

test('what the config says of a check comes before what the preset says', () => {
  const { check } = settings(
    'zitadel: { endpoints: ["a:1"], health: { check: { type: http, path: /other, host: B.example.com, statuses: [200, 204] } } }',
    'zitadel',
  );
  assert.deepEqual([check.path, check.host, check.statuses], ['/other', 'b.example.com', [200, 204]]);
});

test('a balancer is a name, or a map with its options', () => {
  const balancer = (text: string) =>
    parseConfig(`${LISTENER}upstreams: { zitadel: { endpoints: ["a:1"]${text} } }`).config.upstreams.zitadel!.balancer;
  assert.equal(parse().config.upstreams.zitadel!.balancer.type, 'least_requests');
  assert.equal(balancer(', balancer: round_robin').type, 'round_robin');
  assert.deepEqual(balancer(', balancer: ring_hash'), { type: 'ring_hash', hash: 'client' });
  assert.deepEqual(balancer(', balancer: { type: ring_hash, hash: "cookie:session" }'), {
    type: 'ring_hash',
    hash: 'cookie:session',
  });
});

const wrong = (text: string): string[] =>
  problemsOf(`${LISTENER}upstreams: { zitadel: { endpoints: ["a:1"], ${text} } }`).map(
    ({ path, message }) => `${path}: ${message}`,
  );

test('what cannot be meant is refused by name', () => {
  const rows: [string, RegExp][] = [
    ['balancer: fastest', /^upstreams\.zitadel\.balancer: /],
    [
      'balancer: { type: ring_hash, hash: "query:x" }',
      /^upstreams\.zitadel\.balancer\.hash: .*client, header:NAME or cookie:NAME/,
    ],
    ['health: { check: { path: debug } }', /^upstreams\.zitadel\.health\.check\.path: .*\/debug\/ready/],
    ['health: { check: { host: "*.example.com" } }', /^upstreams\.zitadel\.health\.check\.host: .*without \*/],
    ['health: { check: { interval_ms: 1 } }', /^upstreams\.zitadel\.health\.check\.interval_ms: /],
    [
      'protocol: http/1.1, health: { check: { type: grpc } }',
      /^upstreams\.zitadel\.health\.check\.type: gRPC does not pass/,
    ],
    [
      'health: { passive: { eject_ms: 5000, max_eject_ms: 1000 } }',
      /^upstreams\.zitadel\.health\.passive\.max_eject_ms: expected at least eject_ms, 5000/,
    ],
  ];
  for (const [text, expected] of rows) {
    const found = wrong(text);
    assert.equal(found.length, 1, `${text}: ${found}`);
    assert.match(found[0]!, expected);
  }
});
