/** Asks a server for each request of a scenario before anything is measured, and learns what right answers are. */

import { Call } from './call.ts';
import { type Connection, openConnection } from './connection.ts';
import { digestOf, Judge, plainBody } from './judge.ts';
import type { PlannedRequest, Target } from './plan.ts';
import { planned, withFields } from './planned.ts';
import type { Scenario, ScenarioRequest } from './scenario.ts';

/** Files are asked for again after so long, until they were the same so often, for so long at most; milliseconds. */
const ROUND_MS = 500;
const SETTLED_ROUNDS = 3;
const SETTLE_MS = 30_000;

/** What there is to ask, and what could not be made sure. */
export interface Rehearsal {
  readonly requests: readonly PlannedRequest[];
  /** Names of requests whose bodies differ from answer to answer, so that they are not compared. */
  readonly varying: readonly string[];
}

interface Waiting {
  resolve(call: Call): void;
  reject(error: Error): void;
}

/** One connection to a server, one request at a time. */
export class Probe implements Disposable {
  readonly #target: Target;
  readonly #timeoutMs: number;
  #connection: Connection | undefined;
  #waiting: Waiting | undefined;
  #count = 0;

  constructor(target: Target, timeoutMs: number) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
  }

  /** The whole answer. Rejects where none comes. */
  async ask(request: PlannedRequest): Promise<Call> {
    if (this.#connection === undefined || this.#connection.room === 0) this.#connection = await this.#open();
    const { promise, resolve, reject } = Promise.withResolvers<Call>();
    this.#waiting = { resolve, reject };
    this.#count += 1;
    const connection = this.#connection;
    connection.send(new Call(request, performance.now(), `probe-${process.pid}-${this.#count}`));
    const timer = setTimeout(() => connection.expire(Number.POSITIVE_INFINITY), this.#timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The requests of a scenario with what is right for each. Rejects with what is wrong with an answer. */
  async rehearse(scenario: Scenario, extra: readonly string[]): Promise<Rehearsal> {
    const requests: PlannedRequest[] = [];
    const varying: string[] = [];
    for (const one of scenario.requests) {
      const request = planned(one, extra);
      const all = one.links ? [request, ...(await this.#links(request))] : [request];
      if (one.links) await this.#settled(all);
      for (const each of all) {
        const learnt = await this.#learn(each, one);
        requests.push(learnt);
        const checked = one.expect.body === 'same' && !one.revalidate;
        if (checked && learnt.expectation.digest === undefined) varying.push(each.name);
      }
    }
    return { requests, varying };
  }

  /**
   * Waits until files stay as they are: a cache that has just been given them may still be making better codings, with
   * other validators. Given up after a while: what is measured then is that.
   */
  async #settled(requests: readonly PlannedRequest[]): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    let before = '';
    for (let same = 0; same < SETTLED_ROUNDS && performance.now() < deadline; ) {
      const seen: string[] = [];
      for (const request of requests) {
        const { coding, bytes, etag } = await this.#right(request);
        seen.push(`${coding} ${bytes} ${etag ?? ''}`);
      }
      const now = seen.join('\n');
      same = now === before ? same + 1 : 0;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
    }
  }

  /** Asks twice: what is the same both times is taken to be the same always. */
  async #learn(request: PlannedRequest, { expect, revalidate }: ScenarioRequest): Promise<PlannedRequest> {
    // A refusal that comes only after a while has no body to compare with.
    if (expect.body === 'any') return request;
    const first = await this.#right(request);
    if (revalidate) return this.#conditional(request, first);
    const digest = digestOf(plainBody(first)!);
    const again = digestOf(plainBody(await this.#right(request))!);
    if (digest !== again) return request;
    return { ...request, expectation: { ...request.expectation, digest } };
  }

  /** With the validators of an answer that is then answered by 304; given up after a while, when errors will say so. */
  async #conditional(request: PlannedRequest, answer: Call): Promise<PlannedRequest> {
    const deadline = performance.now() + SETTLE_MS;
    let { etag, modified } = answer;
    for (;;) {
      if (etag === undefined && modified === undefined) {
        throw new Error(`${request.name}: the answer has no validator, so that nothing can be revalidated`);
      }
      const digest = digestOf(Buffer.alloc(0));
      const asked = withFields(
        { ...request, expectation: { ...request.expectation, statuses: [304], digest } },
        etag === undefined ? { 'if-modified-since': modified! } : { 'if-none-match': etag },
      );
      const { status } = await this.ask(asked);
      if (status === 304 || performance.now() > deadline) return asked;
      await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
      ({ etag, modified } = await this.#right(request));
    }
  }

  /** What a page names on its own host; in the order of the page, each once. */
  async #links(request: PlannedRequest): Promise<PlannedRequest[]> {
    const page = plainBody(await this.#right(request))!.toString('utf8');
    const base = new URL(`https://${this.#target.authority}${request.path}`);
    const baseHref = /<base\s[^>]*href="([^"]*)"/i.exec(page)?.[1] ?? '';
    const paths = new Set<string>();
    for (const [tag, link] of page.matchAll(/<(?:script|link|img)\b[^>]*\s(?:src|href)="([^"]*)"[^>]*>/gi)) {
      const url = new URL(link!, new URL(baseHref, base));
      if (url.host === base.host && !/rel="(?:canonical|alternate)"/i.test(tag)) paths.add(url.pathname + url.search);
    }
    paths.delete(request.path);
    return [...paths].map((path) => ({ ...request, path, name: path }));
  }

  async #right(request: PlannedRequest): Promise<Call> {
    const call = await this.ask(request);
    const wrong = new Judge().wrong(call);
    if (wrong !== undefined) {
      const body = plainBody(call)?.toString('utf8').slice(0, 200) ?? '';
      throw new Error(`${request.name}: ${wrong}${/^[\x20-\x7e\s]+$/.test(body) ? `: ${body.trim()}` : ''}`);
    }
    return call;
  }

  async #open(): Promise<Connection> {
    const settle = (): Waiting | undefined => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      return waiting;
    };
    const opening = { target: this.#target, streams: 1, session: undefined, onSession: undefined };
    const { connection } = await openConnection(
      { ...opening, timeoutMs: this.#timeoutMs },
      {
        answered: (call) => settle()?.resolve(call),
        failed: (call, why) => settle()?.reject(new Error(`${call.request.name}: ${why}`)),
        changed() {},
      },
    );
    return connection;
  }

  [Symbol.dispose](): void {
    this.#connection?.close();
  }
}
