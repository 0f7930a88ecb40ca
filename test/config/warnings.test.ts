import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { warnings } from './support.ts';

// A warning is told at start and by `check`; it keeps nobody from serving. Each names the key and what to do.

const other = (listeners: string, more = ''): string[] =>
  parseConfig(`listeners: [${listeners}]\nupstreams: { zitadel: { endpoints: ["a:1"] } }\n${more}`).warnings.map(
    ({ path, message }) => `${path}: ${message}`,
  );

const ROWS: readonly [title: string, found: () => string[], expected: RegExp | undefined][] = [
  ['the least config has none', () => warnings(''), undefined],
  [
    'cleartext for everybody',
    () => other('{ name: a, address: ":8080" }'),
    /^listeners\[0\]: takes requests in the clear from everywhere; .*trusted_proxies.*external_scheme/,
  ],
  [
    'cleartext behind a load balancer',
    () => other('{ name: a, address: ":8080", external_scheme: https }', 'trusted_proxies: [10.0.0.1]'),
    undefined,
  ],
  [
    'cleartext for internal peers',
    () => other('{ name: a, address: ":8080", trust: internal, allow: [10.0.0.0/8] }'),
    undefined,
  ],
  [
    'a development certificate for others',
    () => other('{ name: a, address: ":1", tls: { development: true } }'),
    /^listeners\[0\]\.tls\.development: others than this machine get a certificate that nobody signed/,
  ],
  [
    'nothing but redirects',
    () => other('{ name: a, address: ":8080", redirect: {} }'),
    /^listeners: all listeners only redirect/,
  ],
  [
    'a proxy list that believes everybody',
    () => warnings('trusted_proxies: [0.0.0.0/0]'),
    /^trusted_proxies\[0\]: believes everybody/,
  ],
  [
    'a priority of a class that no route has',
    () => warnings('overload: { priorities: { assets: low } }'),
    /^overload\.priorities\.assets: no route has this class, did you mean asset/,
  ],
  [
    'host bits',
    () => warnings('trusted_proxies: [10.1.2.3/8]'),
    /^trusted_proxies\[0\]: has host bits and means 10\.0\.0\.0\/8/,
  ],
  [
    'an internal listener for everybody',
    () => other('{ name: a, address: ":8080", trust: internal, allow: ["::/0"] }'),
    /^listeners\[0\]\.allow\[0\]: lets everybody in/,
  ],
  [
    'metrics for everybody',
    () => warnings('admin: { metrics_allow: ["::/0"] }'),
    /^admin\.metrics_allow\[0\]: lets everybody read \/metrics/,
  ],
  [
    'URLs too short for SAML',
    () => warnings('limits: { max_url_bytes: 8192 }'),
    /^limits\.max_url_bytes: SAML redirects need at least 16384/,
  ],
  [
    'a stream window above its connection window',
    () => warnings('limits: { stream_window_bytes: 4194304 }'),
    /^limits\.stream_window_bytes: larger than connection_window_bytes/,
  ],
  [
    'as many connections for one address as for all',
    () => warnings('limits: { max_connections: 1000 }'),
    /^limits\.per_address\.open_connections: above max_connections/,
  ],
  [
    'internal paths opened for the public',
    () =>
      other(
        '{ name: a, address: ":1", tls: { certificates: [{ certificate_file: a, key_file: b }] } }',
        'preset: { open: [system] }',
      ),
    /^preset\.open\[0\]: opens internal paths on the public listener a/,
  ],
  [
    'probes opened for the public',
    () =>
      other(
        '{ name: a, address: ":1", tls: { certificates: [{ certificate_file: a, key_file: b }] } }',
        'preset: { open: [health] }',
      ),
    undefined,
  ],
  [
    'open_on with nothing open',
    () => warnings('preset: { open_on: [public] }'),
    /^preset\.open_on: there is nothing in open/,
  ],
  [
    'a host of a route that is not served',
    () => warnings('hosts: [a.example]\nroutes: [{ name: r, paths: [/r], hosts: [b.example] }]'),
    /^routes\[0\]\.hosts\[0\]: `hosts` does not serve it/,
  ],
  [
    'a route behind another with the same match',
    () => warnings('routes: [{ name: a, paths: ["/x/{a}"] }, { name: b, paths: ["/x/{b}"] }]'),
    /^routes\[1\]: a takes \/x\/\{b\} already/,
  ],
  [
    'a route after the table with a match of the table',
    () => warnings('routes: [{ name: a, place: after, paths: ["/*"] }]'),
    /^routes\[0\]: anything-else takes \/\* already/,
  ],
  [
    'a class that no route has',
    () => warnings('classes: { logn: {} }'),
    /^classes\.logn: no route has this class, did you mean login\?/,
  ],
  [
    'a class that nobody gives policies',
    () => warnings('routes: [{ name: r, paths: [/r], class: apy }]'),
    /^routes\[0\]\.class: nobody gives this class policies, did you mean api\?/,
  ],
  [
    'a general policy that every class overrides',
    () => warnings('policies: { deadline: { answer_ms: 5 } }\nclasses: { api: { deadline: { answer_ms: 6 } } }'),
    /^policies\.deadline\.answer_ms: has no effect: every class says otherwise/,
  ],
  ['a general policy that reaches some route', () => warnings('policies: { deadline: { answer_ms: 5 } }'), undefined],
];

for (const [title, found, expected] of ROWS) {
  test(`${title}: ${expected === undefined ? 'no warning' : 'a warning'}`, () => {
    if (expected === undefined) assert.deepEqual(found(), []);
    else assert.match(found().join('\n'), expected);
  });
}

const UPSTREAMS: readonly [title: string, upstreams: string, more: string, expected: RegExp][] = [
  [
    'ZITADEL over HTTP/1.1',
    'zitadel: { protocol: http/1.1, endpoints: ["a:1"] }',
    '',
    /^upstreams\.zitadel\.protocol: gRPC does not pass over HTTP\/1\.1/,
  ],
  [
    'Login v2 over h2c',
    'zitadel: { endpoints: ["a:1"] }, login: { endpoints: ["b:1"] }',
    'preset: { login_upstream: login }',
    /^upstreams\.login\.protocol: Login v2 is a Next\.js process/,
  ],
  [
    'an upstream that nobody uses',
    'zitadel: { endpoints: ["a:1"] }, spare: { endpoints: ["b:1"] }',
    '',
    /^upstreams\.spare: no route uses it/,
  ],
  [
    'certificates that are not verified',
    'zitadel: { protocol: h2, endpoints: ["a:1"], tls: { insecure_skip_verify: true } }',
    '',
    /^upstreams\.zitadel\.tls\.insecure_skip_verify: anybody between/,
  ],
];

for (const [title, upstreams, more, expected] of UPSTREAMS) {
  test(`${title}: a warning`, () => {
    const { warnings: found } = parseConfig(
      `listeners: [{ name: a, address: "127.0.0.1:0" }]\nupstreams: { ${upstreams} }\n${more}`,
    );
    assert.match(found.map(({ path, message }) => `${path}: ${message}`).join('\n'), expected);
  });
}

test('a warning has its position', () => {
  const [warning] = parseConfig(
    'listeners: [{ name: a, address: "127.0.0.1:0" }]\nupstreams: { zitadel: { endpoints: ["a:1"] } }\ntrusted_proxies:\n  - 0.0.0.0/0\n',
  ).warnings;
  assert.deepEqual([warning?.line, warning?.column], [4, 5]);
});
