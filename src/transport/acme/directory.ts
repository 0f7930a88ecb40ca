/** A certificate authority that speaks ACME, RFC 8555: its directory, nonces, and calls signed for one account. */

import type { Clock } from '../../core/clock.ts';
import type { AccountKey, ExternalAccount } from './account-key.ts';
import { type Called, call, retryAfterMs } from './call.ts';
import { AcmeProblem, problemOf } from './problem.ts';

/** Which authority it is, and how it is called. */
export interface DirectoryOptions {
  /** URL of the directory. */
  readonly url: string;
  /** PEM of authorities that are trusted for calls to it beside the usual ones. */
  readonly authorities: readonly string[];
  readonly clock: Clock;
  /** Ends all calls. */
  readonly signal: AbortSignal;
}

/** An account as the directory knows it. */
export interface Account {
  readonly key: AccountKey;
  /** Its URL. */
  readonly url: string;
}

/** An answer, its JSON parsed where it is JSON. */
export interface Answered extends Called {
  readonly json: Readonly<Record<string, unknown>>;
  /** In milliseconds. */
  readonly retryAfterMs: number | undefined;
}

type Resource = 'newNonce' | 'newAccount' | 'newOrder';

/** A nonce may be refused for no fault of ours; half of a thousand such calls in a row are not. */
const MAX_BAD_NONCES = 30;
/** Nonces that are kept for calls to come: each answer brings one. */
const MAX_NONCES = 10;

/** One authority; its resources are asked for once. */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #nonces: string[] = [];
  #resources: Promise<Readonly<Record<string, unknown>>> | undefined;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  /** Where renewal information is had, RFC 9773; undefined where the directory offers none. */
  async renewalInfoUrl(): Promise<string | undefined> {
    const { renewalInfo } = await this.#read();
    return typeof renewalInfo === 'string' ? renewalInfo : undefined;
  }

  /** The account of this key: found, or made with the agreement to the terms. */
  async account(key: AccountKey, email: string | undefined, external: ExternalAccount | undefined): Promise<Account> {
    const url = await this.#resource('newAccount');
    const { meta } = await this.#read();
    if ((Object(meta) as Record<string, unknown>).externalAccountRequired === true && external === undefined) {
      throw new Error(`${this.#options.url}: the directory takes only accounts that it knows: set external_account`);
    }
    const answer = await this.#signed(key, undefined, url, {
      termsOfServiceAgreed: true,
      ...(email !== undefined && { contact: [`mailto:${email}`] }),
      ...(external !== undefined && { externalAccountBinding: key.bind(external, url) }),
    });
    const location = answer.field('location');
    if (location === undefined) throw new Error(`${url}: an account has no location`);
    return { key, url: new URL(location, url).href };
  }

  /** Makes an order; gives it with its URL. */
  async newOrder(account: Account, order: Readonly<Record<string, unknown>>): Promise<Answered & { url: string }> {
    const url = await this.#resource('newOrder');
    const answer = await this.post(account, url, order);
    const location = answer.field('location');
    if (location === undefined) throw new Error(`${url}: an order has no location`);
    return { ...answer, url: new URL(location, url).href };
  }

  /** A signed call; without a payload it only asks. Rejects with an AcmeProblem where it is refused. */
  post(account: Account, url: string, payload?: unknown): Promise<Answered> {
    return this.#signed(account.key, account.url, url, payload);
  }

  /** A call that needs no account. */
  async get(url: string): Promise<Answered> {
    return this.#answered(await this.#call({ method: 'GET', url, accept: 'application/json' }), `GET ${url}`);
  }

  async #signed(key: AccountKey, kid: string | undefined, url: string, payload: unknown): Promise<Answered> {
    for (let refused = 0; ; refused++) {
      const nonce = this.#nonces.pop() ?? (await this.#newNonce());
      const header = { ...(kid !== undefined && { kid }), nonce, url };
      const body = JSON.stringify(key.sign(header, payload));
      const called = await this.#call({ method: 'POST', url, body });
      try {
        return this.#answered(called, `POST ${url}`);
      } catch (error) {
        // Its answer brought another one.
        const again = error instanceof AcmeProblem && error.kind === 'badNonce' && refused < MAX_BAD_NONCES;
        if (!again) throw error;
      }
    }
  }

  async #newNonce(): Promise<string> {
    const url = await this.#resource('newNonce');
    await this.#call({ method: 'HEAD', url });
    const nonce = this.#nonces.pop();
    if (nonce === undefined) throw new Error(`HEAD ${url}: no nonce came`);
    return nonce;
  }

  async #call(asked: { method: 'GET' | 'HEAD' | 'POST'; url: string; body?: string; accept?: string }) {
    const { authorities, signal } = this.#options;
    const called = await call({ ...asked, authorities, signal });
    const nonce = called.field('replay-nonce');
    if (nonce !== undefined && /^[\w-]{1,512}$/.test(nonce)) {
      this.#nonces.push(nonce);
      // The oldest would be refused first.
      if (this.#nonces.length > MAX_NONCES) this.#nonces.shift();
    }
    return called;
  }

  #answered(called: Called, asked: string): Answered {
    const wait = retryAfterMs(called.field('retry-after'), this.#options.clock.wall());
    const type = called.field('content-type') ?? '';
    const isJson = /^application\/(?:[\w.-]+\+)?json\b/i.test(type);
    let json: unknown;
    try {
      json = isJson && called.body !== '' ? JSON.parse(called.body) : {};
    } catch (error) {
      throw new Error(`${asked}: the answer is no JSON`, { cause: error });
    }
    if (called.status >= 400) throw problemOf(json, asked, called.status, wait);
    if (called.status >= 300) throw new Error(`${asked}: status ${called.status}, expected an answer`);
    return { ...called, json: Object(json) as Record<string, unknown>, retryAfterMs: wait };
  }

  async #resource(name: Resource): Promise<string> {
    const url = (await this.#read())[name];
    if (typeof url !== 'string') throw new Error(`${this.#options.url}: this is no ACME directory: ${name} is missing`);
    return url;
  }

  /** Read once; who failed asks again. */
  #read(): Promise<Readonly<Record<string, unknown>>> {
    this.#resources ??= this.get(this.#options.url).then(
      ({ json }) => json,
      (error: unknown) => {
        this.#resources = undefined;
        throw error;
      },
    );
    return this.#resources;
  }
}
