/** A certificate authority that speaks just enough ACME for tests, at the time of their clock, and fails as they want. */

import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as x509 from '@peculiar/x509';
import type { Clock } from '../../src/core/clock.ts';
import { makeAuthority } from './authority.ts';

x509.cryptoProvider.set(webcrypto as Crypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** An answer in the place of the usual one. */
export interface Given {
  readonly status?: number;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A call as it came: the resource, and what was signed. */
export interface Asked {
  readonly path: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>> | undefined;
}

export class AcmeAuthority implements AsyncDisposable {
  /** PEM of the authority of its HTTPS. */
  readonly ca: string;
  /** Every call, oldest first. */
  readonly asked: Asked[] = [];
  /** Answers in the place of usual ones, by path. */
  readonly instead = new Map<string, Given | ((asked: Asked) => Given | undefined)>();
  /** Of what is issued. */
  lifeDays = 90;
  /** Whether it offers renewal information. */
  suggests = false;
  token = 'a-token-of-this-authority';
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #keys: webcrypto.CryptoKeyPair;
  #names: string[] = [];
  #issued = '';
  #shown = false;
  #nonces = 0;

  private constructor(clock: Clock, server: Server, keys: webcrypto.CryptoKeyPair, ca: string) {
    this.#clock = clock;
    this.#server = server;
    this.#keys = keys;
    this.ca = ca;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  static async start(clock: Clock): Promise<AcmeAuthority> {
    const https = await makeAuthority('HTTPS of a test');
    const { certificate: cert, key } = await https.issue(['127.0.0.1']);
    const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
    const server = createServer({ cert, key }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new AcmeAuthority(clock, server, keys, https.certificate);
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get directory(): string {
    return `${this.url}/directory`;
  }

  /** How often a resource was asked for. */
  count(path: string): number {
    return this.asked.filter((one) => one.path === path).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = (await request.setEncoding('utf8').toArray()).join('');
    const decode = (part: unknown) =>
      typeof part === 'string' && part !== '' ? JSON.parse(Buffer.from(part, 'base64url').toString()) : undefined;
    const jws = text === '' ? {} : JSON.parse(text);
    const asked = { path: request.url!, header: decode(jws.protected) ?? {}, payload: decode(jws.payload) };
    this.asked.push(asked);
    const instead = this.instead.get(asked.path);
    const given =
      (typeof instead === 'function' ? instead(asked) : instead) ??
      (await this.#usual(asked).catch(() => ({ status: 500 })));
    const { status = 200, json, headers = {}, body = JSON.stringify(json ?? {}) } = given as Given;
    this.#nonces += 1;
    response.writeHead(status, {
      'content-type': status >= 400 ? 'application/problem+json' : 'application/json',
      'replay-nonce': `nonce-${this.#nonces}`,
      ...headers,
    });
    response.end(body);
  }

  async #usual({ path, payload }: Asked): Promise<Given> {
    const { url } = this;
    const order = (status: string) => ({
      status,
      authorizations: this.#names.map((name) => `${url}/authorization/${name}`),
      finalize: `${url}/finalize`,
      ...(status === 'valid' && { certificate: `${url}/certificate` }),
    });
    switch (path) {
      case '/directory': {
        const all = { newNonce: `${url}/nonce`, newAccount: `${url}/account`, newOrder: `${url}/orders` };
        return { json: { ...all, ...(this.suggests && { renewalInfo: `${url}/renewal` }) } };
      }
      case '/account':
        return { status: 201, headers: { location: `${url}/account/1` } };
      case '/orders':
        this.#shown = false;
        this.#names = (payload!.identifiers as { value: string }[]).map(({ value }) => value);
        return { status: 201, json: order('pending'), headers: { location: `${url}/order/1` } };
      case '/order/1':
        return { json: order('ready') };
      case '/challenge':
        this.#shown = true;
        return {};
      case '/finalize':
        await this.#issue(String(payload!.csr));
        return { json: order('valid') };
      case '/certificate':
        return { body: this.#issued, headers: { 'content-type': 'application/pem-certificate-chain' } };
    }
    if (path.startsWith('/authorization/')) {
      const value = path.slice('/authorization/'.length);
      const challenges = [{ type: 'http-01', url: `${url}/challenge`, token: this.token }];
      return { json: { status: this.#shown ? 'valid' : 'pending', identifier: { type: 'dns', value }, challenges } };
    }
    return {};
  }

  async #issue(csr: string): Promise<void> {
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(csr, 'base64url'));
    const now = this.#clock.wall();
    const made = await x509.X509CertificateGenerator.create({
      serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(9)))
        .toString('hex')
        .replace(/^./, '4'),
      subject: '',
      issuer: 'CN=ACME of a test',
      notBefore: new Date(now - 1000),
      notAfter: new Date(now - 1000 + this.lifeDays * DAY_MS),
      signingAlgorithm: ALGORITHM,
      publicKey: await request.publicKey.export(),
      signingKey: this.#keys.privateKey,
      extensions: [...request.extensions, await x509.AuthorityKeyIdentifierExtension.create(this.#keys.publicKey)],
    });
    this.#issued = `${made.toString('pem')}\n`;
  }
}
