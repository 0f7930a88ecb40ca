// Peers of the bench: their configs are ones that they start with, and everything that ZITADEL serves passes through them.
// Harm: a comparison with a server that is set up wrongly, or that is left out without a word.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { CertificateFiles } from '../../bench/console/certificate.ts';
import { Probe } from '../../bench/load/probe.ts';
import type { ResultFile } from '../../bench/load/result.ts';
import { readScenarios } from '../../bench/load/scenario.ts';
import { ONE_TLS, targetOf } from '../../bench/load/target.ts';
import { PEERS, peersOf } from '../../bench/peers/index.ts';
import { missing, type Peer } from '../../bench/peers/peer.ts';
import { startRivals } from '../../bench/stage/rivals.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { makeCertificate } from '../../src/transport/development-certificate.ts';
import { needs, say } from '../support/programs.ts';

/** One of each kind; `limiter-deny` last, as it uses up what it is allowed. */
const KINDS = [
  ...['rest-json', 'rest-json-h1', 'grpc-unary', 'grpc-stream', 'grpc-web-unary', 'grpc-web-text', 'connect-unary'],
  ...['login-page', 'token', 'discovery', 'console-cold', 'limiter-deny'],
];
const NAMED = new Set(['nginx', 'haproxy', 'caddy']);

/** CI has those that Debian has; the others are checked where somebody has them. */
function having(peer: Peer): { skip?: string } {
  if (NAMED.has(peer.name)) return needs(peer.name as 'nginx');
  const lacking = missing(peer);
  return lacking === undefined ? {} : { skip: `${lacking} not found on PATH: its config is not checked here` };
}

async function stage(): Promise<
  AsyncDisposable & { folder: string; certificate: CertificateFiles; standInPort: number }
> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-peers-'));
  const pair = await makeCertificate(['localhost', '127.0.0.1'], Date.now());
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const certificate = {
    certificate: file('tls.crt', pair.certificate),
    key: file('tls.key', pair.key),
    both: file('tls.pem', pair.certificate + pair.key),
  };
  const standIn = await startStandIn();
  return {
    folder,
    certificate,
    standInPort: Number(new URL(standIn.url).port),
    async [Symbol.asyncDispose]() {
      await standIn.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function refuses(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = net.connect(port, '127.0.0.1', () => resolve(false)).once('error', () => resolve(true));
  const refused = await promise;
  socket.destroy();
  return refused;
}

for (const peer of PEERS) {
  describe(peer.name, having(peer), () => {
    for (const accessLog of [false, true]) {
      test(`takes every kind of request with its config${accessLog ? ', with an access log' : ''}`, async () => {
        await using ground = await stage();
        const rivals = await startRivals([peer], { ...ground, cores: undefined }, accessLog);
        let url: string;
        {
          await using _ending = rivals;
          assert.deepEqual(rivals.absent, []);
          const [rival] = rivals.running as [(typeof rivals.running)[number]];
          url = rival.url;
          for (const scenario of readScenarios(accessLog ? KINDS.slice(0, 1) : KINDS)) {
            if (rival.cannot[scenario.name] !== undefined) continue;
            const { protocol, name } = scenario;
            const target = targetOf(url, { protocol, authority: undefined, verify: false });
            using probe = new Probe({ ...target, offer: ONE_TLS }, 20_000);
            const rehearse = () => probe.rehearse(scenario, []);
            // The first one is let in, the next is not.
            if (name === 'limiter-deny') {
              const [request] = (await rehearse()).requests;
              await probe.ask(request!);
              assert.equal((await probe.ask(request!)).status, 429);
            } else {
              const { requests } = await rehearse();
              assert.ok(requests.length > 0, name);
            }
          }
          const { cpuS, rssBytes } = await rival.vitals();
          assert.ok(rssBytes! > 0 && cpuS! >= 0);
        }
        assert.ok(await refuses(Number(new URL(url).port)), 'it ends with the bench');
      });
    }
  });
}

describe('a peer', () => {
  test('that is not on this machine is absent, with the reason', async () => {
    await using ground = await stage();
    const nobody: Peer = { ...peersOf(['nginx'])[0]!, name: 'nobody', needs: ['gatehouse-no-such-program'] };
    await using rivals = await startRivals([nobody], { ...ground, cores: undefined }, false);
    assert.deepEqual(rivals.running, []);
    assert.deepEqual(rivals.absent, [{ name: 'nobody', why: 'gatehouse-no-such-program is not on PATH' }]);
  });
  test('that does not start is absent, with what it said', needs('nginx'), async () => {
    await using ground = await stage();
    const wrong: Peer = {
      ...peersOf(['nginx'])[0]!,
      config: () => [{ name: 'nginx.conf', text: 'no_such_directive on;\n' }],
    };
    await using rivals = await startRivals([wrong], { ...ground, cores: undefined }, false);
    assert.deepEqual(rivals.running, []);
    assert.match(rivals.absent[0]!.why, /it does not start: .*no_such_directive/);
  });
});

test('the bench takes turns between the gateway and its peers, and writes all of it down', needs('nginx'), async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-peers-'));
  try {
    const json = join(folder, 'all.json');
    const said = await say(process.execPath, [
      ...['bench/main.ts', '--vs', 'nginx', '--rounds', '2', '--loop', 'closed', '--scenario', 'rest-json'],
      ...['--warm-up', '0.2', '--duration', '0.5', '--json', json],
    ]);
    assert.notEqual(said.code, 2, said.stderr);
    const file = JSON.parse(readFileSync(json, 'utf8')) as ResultFile;
    assert.deepEqual(
      file.results.map(({ server, round }) => `${server} ${round}`),
      ['gatehouse 1', 'nginx 1', 'gatehouse 2', 'nginx 2'],
    );
    assert.ok(file.comparison!.every(({ server, against }) => server === 'nginx' && against === 'gatehouse'));
    assert.match(said.stdout.toString(), /^rest-json, closed loop .*\ngatehouse .*\nnginx /m);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
