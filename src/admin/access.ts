import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../core/errors.ts';
import type { Entry } from './entry.ts';
import { hostCheck } from './hosts.ts';
import { inNetworks } from './networks.ts';
import { bearerToken, tokenCheck } from './token.ts';

/** Who may come, as the config says it. */
export interface AccessOptions {
  /** The listener is bound to an address of this machine only. */
  readonly loopback: boolean;
  /** Undefined: on loopback everything is open, elsewhere only what is open to everyone. */
  readonly token: string | undefined;
  /** Names that a Host may have on loopback, beside localhost. */
  readonly hosts: readonly string[];
  /** Networks that may read metrics without a token. */
  readonly metricsAllow: readonly string[];
}

/** Counts a token before it is looked at; `giveBack` when it was right. */
export interface TokenLimit {
  /** Seconds to wait, or undefined where the address may try. */
  take(request: FastifyRequest): Promise<number | undefined>;
  giveBack(request: FastifyRequest): void;
}

/** Decides who may use which entry. */
export class Access {
  readonly #options: AccessOptions;
  readonly #limit: TokenLimit;
  readonly #hostAllowed: (host: string | undefined) => boolean;
  readonly #mayReadMetrics: (address: string | undefined) => boolean;
  readonly #isToken: ((given: string) => boolean) | undefined;

  constructor(options: AccessOptions, limit: TokenLimit) {
    if (options.token === '') throw new RangeError('the token of the admin listener is empty');
    this.#options = options;
    this.#limit = limit;
    this.#hostAllowed = options.loopback ? hostCheck(options.hosts) : () => true;
    this.#mayReadMetrics = inNetworks(options.metricsAllow);
    this.#isToken = options.token === undefined ? undefined : tokenCheck(options.token);
  }

  /** Throws what the caller is refused with; returns where it may go on. */
  async admit(entry: Entry, request: FastifyRequest): Promise<void> {
    if (entry.access === 'everyone') return;
    if (!this.#hostAllowed(request.headers.host)) throw new GatewayError('UNKNOWN_HOST');
    if (entry.access === 'scrapers' && this.#mayReadMetrics(request.socket.remoteAddress)) return;
    if (!(await this.byOperator(request))) throw new GatewayError('UNAUTHORIZED');
  }

  /** See `AdminRequest.byOperator`. */
  async byOperator(request: FastifyRequest): Promise<boolean> {
    if (!this.#hostAllowed(request.headers.host)) return false;
    if (this.#isToken === undefined) return this.#options.loopback && !changesFromPage(request);
    const given = bearerToken(request.headers.authorization);
    if (given === undefined) return false;
    // Counted before it is compared: requests that come at once cannot all be compared before the first is counted.
    const wait = await this.#limit.take(request);
    if (wait !== undefined) throw new GatewayError('TOO_MANY_REQUESTS', { retryAfterS: wait, detail: 'wrong tokens' });
    if (!this.#isToken(given)) throw new GatewayError('UNAUTHORIZED', { detail: 'wrong token' });
    this.#limit.giveBack(request);
    return true;
  }
}

/**
 * A page in the operator's browser may post to 127.0.0.1 without reading the answer (cross-site request forgery). No
 * page of ours does: browsers send Origin with every POST, other clients send none.
 */
function changesFromPage(request: FastifyRequest): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return false;
  return request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined;
}
