/** Pebble, Let's Encrypt's small certificate authority for tests, as a child process on free loopback ports. */

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAuthority } from './authority.ts';
import { DnsServer } from './dns-server.ts';
import { program } from './programs.ts';
import { startProcess } from './started-process.ts';

export interface PebbleOptions {
  /** Names that lead to 127.0.0.1. */
  readonly names: readonly string[];
  /** The port at which it asks for answers to HTTP-01. */
  readonly httpPort: number;
  /** Share of good nonces that it refuses, in percent. */
  readonly refusedNonces?: number;
  /** It takes only accounts with one of these keys. */
  readonly externalKeys?: Readonly<Record<string, string>>;
  /** Chains that it offers beside the first. */
  readonly alternates?: number;
}

export interface Pebble extends AsyncDisposable {
  readonly directory: string;
  /** PEM file of the authority of its own HTTPS. */
  readonly caFile: string;
  readonly dns: DnsServer;
  /** A root that it issues under, PEM; see `/roots/N`. */
  root(index?: number): Promise<string>;
}

/** A port of loopback that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-pebble-'));
  const authority = await makeAuthority('Pebble of a test');
  const own = await authority.issue(['localhost', '127.0.0.1']);
  const [port, managementPort] = [await freePort(), await freePort()];
  const file = (name: string): string => join(folder, name);
  await writeFile(file('ca.pem'), authority.certificate);
  await writeFile(file('own.pem'), own.certificate);
  await writeFile(file('own.key'), own.key);
  const keys = options.externalKeys;
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: file('own.pem'),
    privateKey: file('own.key'),
    httpPort: options.httpPort,
    tlsPort: await freePort(),
    externalAccountBindingRequired: keys !== undefined,
    externalAccountMACKeys: keys ?? {},
  };
  await writeFile(file('config.json'), JSON.stringify({ pebble }));
  const dns = await DnsServer.start();
  for (const name of options.names) dns.set(name, 'A', ['127.0.0.1']);
  const child = startProcess(program('pebble'), ['-config', file('config.json'), '-dnsserver', dns.address], {
    env: {
      ...process.env,
      PEBBLE_VA_NOSLEEP: '1',
      PEBBLE_VA_ALWAYS_VALID: '0',
      PEBBLE_WFE_NONCEREJECT: String(options.refusedNonces ?? 50),
      PEBBLE_AUTHZREUSE: '0',
      PEBBLE_ALTERNATE_ROOTS: String(options.alternates ?? 0),
    },
  });
  const get = (url: string): Promise<string> => textOf(url, authority.certificate);
  const directory = `https://127.0.0.1:${port}/dir`;
  try {
    await answers(() => get(directory), child.ended);
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
  return {
    directory,
    caFile: file('ca.pem'),
    dns,
    root: (index = 0) => get(`https://127.0.0.1:${managementPort}/roots/${index}`),
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await dns[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Asks until there is an answer; rejects when the child ends before. */
async function answers(ask: () => Promise<unknown>, ended: Promise<{ stdout: string; stderr: string }>): Promise<void> {
  let gone: string | undefined;
  void ended.then(({ stdout, stderr }) => {
    gone = `${stdout}${stderr}`;
  });
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (gone !== undefined) throw new Error(`pebble ended: ${gone}`, { cause: error });
      // It says nothing when it is ready: the next connection is the only way to know.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function textOf(url: string, ca: string): Promise<string> {
  const sent = request(url, { ca, agent: false }).end();
  const [answer] = await once(sent, 'response');
  return (await answer.setEncoding('utf8').toArray()).join('');
}
