/** The cache of one route: who may be answered from the store, who waits for whose answer, and what is kept. */

import { randomUUID } from 'node:crypto';
import { type CacheControl, requestDirectives } from '../../cache/cache-control.ts';
import { addCacheStatus, type CacheStatus } from '../../cache/cache-status.ts';
import { freshness, ttlS } from '../../cache/freshness.ts';
import type { KeptAnswer } from '../../cache/kept-answer.ts';
import { mayServeOnError, type Reuse, reuse } from '../../cache/reuse.ts';
import type { CacheRules } from '../../cache/rules.ts';
import { passBy } from '../../cache/storable.ts';
import type { StoredAnswer } from '../../cache/stored.ts';
import type { Token } from '../../cache/tokens.ts';
import { selectStored } from '../../cache/vary.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Answer, CacheOutcome, Exchange } from '../../core/exchange.ts';
import { addVary } from '../../core/headers.ts';
import type { FetchRequest, PolicyContext } from '../../core/policy.ts';
import { rulesOf } from './compiled-rules.ts';
import { hint } from './early-hints.ts';
import { Flight } from './flight.ts';
import type { Arrived, Behalf, FlightSettings, Landing, Waiter } from './flight-settings.ts';
import { Flights } from './flights.ts';
import type { CacheOptions } from './options.ts';
import { among, asker, namesInstance, type Question, wantsWhole } from './question.ts';
import { Release } from './release.ts';
import { serve } from './served.ts';
import { Variants } from './variants.ts';
import { stored, warm } from './warm.ts';

type Done = (error?: Error) => void;

/** Why a request went on, for Cache-Status of the answer that comes. */
const statuses = new WeakMap<Exchange, CacheStatus>();

/** How often a request looks again before it goes by itself: the answers that came were for others. */
const MAX_LOOKS = 3;

/** The cache of one route. */
export class RouteCache {
  readonly #options: CacheOptions;
  readonly #context: PolicyContext;
  readonly #rules: CacheRules;
  readonly #ask: (exchange: Exchange) => Question;
  readonly #release: Release | undefined;
  readonly #variants: Variants;
  readonly #flights: Flights;
  readonly #settings: FlightSettings;

  constructor(options: CacheOptions, context: PolicyContext) {
    const { store, maker } = context.services.cache;
    this.#options = options;
    this.#context = context;
    this.#rules = rulesOf(options);
    this.#release = options.single_page_app === false ? undefined : new Release(options.single_page_app, store);
    this.#ask = asker(context.route.name, options, this.#release);
    this.#variants = new Variants(options.variants, store, maker);
    this.#flights = context.kept(() => new Flights());
    this.#settings = {
      store,
      clock: context.clock,
      rules: this.#rules,
      release: this.#release,
      fetch: (request, receiver) => context.fetch(request, receiver),
      timeoutMs: options.fetch_timeout_ms,
      uncacheableS: options.uncacheable_s,
      keyedBy: options.request_fields === 'all' ? [] : options.request_fields,
      maxBytes: store.limits.maxEntryBytes,
      keep: (arrived, token, endpoint) => this.#keep(arrived, token, endpoint),
      confirm: (question, answer, token, endpoint) => this.#confirm(question, answer, token, endpoint),
      landed: (flight) => this.#flights.remove(flight),
    };
  }

  /** A request comes: answers it, or lets it go on with `done`. */
  enter(exchange: Exchange, done: Done): void {
    const { head, raw } = exchange;
    if (exchange.dialect.name !== 'http') {
      done();
      return;
    }
    const by = passBy(head.method, raw.fields, this.#rules) ?? oddity(exchange);
    if (by === undefined) this.#look(exchange, done, MAX_LOOKS);
    else this.#goOn(exchange, done, by, 'bypass');
  }

  /** Fetches the pages of the hosts that the config names, and what they load. */
  start(self: Pick<FetchRequest, 'client' | 'connection'>): void {
    const app = this.#options.single_page_app;
    if (app === false || !app.warm) return;
    const { clock, events, route, services } = this.#context;
    const behalf = { client: self.client, id: randomUUID(), raw: { connection: self.connection } };
    const { store } = this.#settings;
    const flights = (question: Question, stored: KeptAnswer | undefined) =>
      this.#flights.find(question) ?? this.#begin(behalf, question, stored);
    for (const host of services.cache.warmHosts) {
      const fetch = (target: string) =>
        stored({ key: { route: route.name, scheme: 'https', host, target }, fields: [] }, { store, clock, flights });
      void warm({ index: app.index, hashed: new RegExp(app.hashed), fetch }).then((count) =>
        events.emit('cache_warmed', { route: route.name, host, stored: count }),
      );
    }
  }

  /** Cache-Status of an answer that did not come from here. */
  label(exchange: Exchange, answer: Answer): void {
    const status = statuses.get(exchange);
    if (status !== undefined && answer.source === 'upstream') addCacheStatus(answer.fields, status);
  }

  #look(exchange: Exchange, done: Done, looks: number): void {
    const { store } = this.#settings;
    const { raw, head } = exchange;
    const question = this.#ask(exchange);
    const asked = requestDirectives(raw.fields);
    const honour = this.#rules.honourRequest;
    const variants = store.get(question.key);
    const stored = selectStored(variants, question.fields);
    const now = this.#context.clock.wall();
    const verdict = reuse(stored, asked, now, honour);
    switch (verdict) {
      case 'only_if_cached_fails':
        done(new GatewayError('NOT_CACHED'));
        return;
      case 'stale_while_revalidate':
      case 'fresh':
      case 'stale_allowed':
        if (verdict === 'stale_while_revalidate') this.#validateMeanwhile(exchange, question, stored!);
        this.#serve(exchange, stored!, verdict === 'fresh' ? 'hit' : 'stale', { hit: true, ttlS: ttlS(stored!, now) });
        return;
    }
    const fwd = forwardReason(verdict, variants.length > 0);
    store.count(this.#context.route.name, 'miss');
    const marked = store.isUncacheable(question.key, among(question, this.#settings.keyedBy));
    if (looks === 0 || head.method === 'HEAD' || marked || (asked.noStore && honour)) {
      this.#goOn(exchange, done, { fwd }, 'miss');
      return;
    }
    const running = this.#flights.find(question);
    const flight = running ?? this.#begin(exchange, question, stored);
    if (flight === undefined) this.#goOn(exchange, done, { fwd, detail: 'busy' }, 'miss');
    else this.#wait(exchange, done, { question, asked, stored, flight, fwd, collapsed: running !== undefined, looks });
  }

  #begin(behalf: Behalf, question: Question, stored: KeptAnswer | undefined): Flight | undefined {
    if (this.#flights.full) return undefined;
    const flight = new Flight(this.#settings, question, behalf, stored);
    this.#flights.add(flight);
    return flight;
  }

  #validateMeanwhile(exchange: Exchange, question: Question, stored: KeptAnswer): void {
    if (this.#flights.find(question) === undefined) this.#begin(exchange, question, stored);
  }

  #wait(
    exchange: Exchange,
    done: Done,
    {
      question,
      asked,
      stored,
      flight,
      fwd,
      collapsed,
      looks,
    }: {
      question: Question;
      asked: CacheControl;
      stored: KeptAnswer | undefined;
      flight: Flight;
      fwd: NonNullable<CacheStatus['fwd']>;
      collapsed: boolean;
      looks: number;
    },
  ): void {
    const { clock } = this.#context;
    const { record } = exchange;
    const mayBeStale = stored !== undefined && mayServeOnError(stored, asked, clock.wall(), this.#rules.honourRequest);
    let over = false;
    const leave = (): boolean => {
      if (over) return false;
      over = true;
      cancel?.();
      flight.leave(waiter);
      return true;
    };
    const waiter: Waiter = {
      question,
      stale: mayBeStale ? stored : undefined,
      whole: wantsWhole(exchange.raw.fields),
      inform: (status, fields) => exchange.downstream.inform(status, fields),
      land: (landing) => {
        if (!leave()) return;
        takeOver(record, flight.record);
        this.#land(exchange, done, landing, { fwd, collapsed: collapsed || undefined }, looks);
      },
    };
    // Who waits for another's answer does not wait for ever; who asked waits as long as the fetch may take.
    const cancel = collapsed
      ? clock.after(this.#options.wait_ms, () => leave() && this.#goOn(exchange, done, { fwd, detail: 'wait' }, 'miss'))
      : undefined;
    exchange.hold({ [Symbol.dispose]: leave });
    exchange.onAbort((error) => leave() && done(error));
    flight.join(waiter);
    if (!over) hint(exchange, this.#release?.hints(question.key));
  }

  #land(exchange: Exchange, done: Done, landing: Landing, status: CacheStatus, looks: number): void {
    const now = this.#context.clock.wall();
    switch (landing.kind) {
      case 'again':
        this.#look(exchange, done, looks - 1);
        return;
      case 'alone':
        this.#goOn(exchange, done, status, 'miss');
        return;
      case 'failed':
        done(landing.error);
        return;
      case 'stored': {
        const { answer, how } = landing;
        const ttl = ttlS(answer, now);
        if (how === 'failed') {
          this.#serve(exchange, answer, 'stale', { hit: true, ttlS: ttl, detail: 'origin-failed' });
        } else {
          const outcome = how === 'validated' ? 'revalidated' : 'miss';
          const fwdStatus = how === 'validated' ? 304 : undefined;
          this.#serve(exchange, answer, outcome, { ...status, fwdStatus, stored: true, ttlS: ttl });
        }
        return;
      }
      case 'stream': {
        const { head, body, stored, why } = landing;
        const fields = [...head.fields];
        exchange.record.cache = 'miss';
        addCacheStatus(fields, { ...status, stored, detail: why });
        if (stored && this.#variants.mayVary(head.fields)) addVary(fields, 'accept-encoding');
        const ended = body === undefined || exchange.head.method === 'HEAD';
        exchange.answer(
          { status: head.status, fields, ended, source: 'upstream', sink: undefined },
          body ?? { start() {}, drained() {}, stop() {} },
        );
      }
    }
  }

  #serve(exchange: Exchange, answer: StoredAnswer, outcome: CacheOutcome, status: CacheStatus): void {
    const { store } = this.#settings;
    exchange.record.cache = outcome;
    if (outcome === 'hit' || outcome === 'stale') store.count(this.#context.route.name, outcome, answer as KeptAnswer);
    if (answer.codings.size === 0) this.#variants.make(answer); // the queue may have been full
    serve(exchange, answer, status, this.#context.clock.wall(), this.#variants.varies);
  }

  #goOn(exchange: Exchange, done: Done, status: CacheStatus, outcome: CacheOutcome): void {
    exchange.record.cache = outcome;
    statuses.set(exchange, status);
    done();
  }

  #keep(
    { question, head, fields, times, vary, whole }: Arrived,
    token: Token,
    endpoint: string | undefined,
  ): StoredAnswer {
    const { key } = question;
    const answer: StoredAnswer = this.#limited(question, {
      status: head.status,
      fields,
      body: whole.bytes,
      digest: whole.digest,
      codings: new Map(),
      vary,
      release: this.#release?.name(key, whole.digest) ?? '',
      ...freshness(head, times, this.#rules),
    });
    return this.#confirm(question, answer, token, endpoint);
  }

  #confirm(question: Question, answer: StoredAnswer, token: Token, endpoint: string | undefined): StoredAnswer {
    const { store } = this.#settings;
    const { key } = question;
    const limited = this.#limited(question, answer);
    const kept = store.put(key, limited, token);
    if (kept === undefined) return limited;
    this.#release?.arrived(key, kept, endpoint);
    this.#variants.make(kept);
    return kept;
  }

  /** What the release says of its freshness. */
  #limited({ key }: Question, answer: StoredAnswer): StoredAnswer {
    if (this.#release === undefined) return answer;
    const { atMost, instead } = this.#release.ttl(key);
    const only = answer.status === 200 ? instead : undefined;
    const freshForS = only ?? Math.min(answer.freshForS, atMost ?? Number.POSITIVE_INFINITY);
    return { ...answer, freshForS };
  }
}

/** A GET that is none: with a body, for another instance than the host says, or of somebody whom the upstream is told of. */
function oddity({ raw, downstream }: Exchange): CacheStatus | undefined {
  if (namesInstance(raw.fields)) return { fwd: 'bypass', detail: 'instance' };
  if (raw.connection.clientCertificate?.fields.length) return { fwd: 'bypass', detail: 'client-certificate' };
  return downstream.ended ? undefined : { fwd: 'bypass', detail: 'body' };
}

function forwardReason(verdict: Reuse, others: boolean): NonNullable<CacheStatus['fwd']> {
  if (verdict === 'miss') return others ? 'vary-miss' : 'uri-miss';
  return verdict === 'revalidate' ? 'stale' : 'request';
}

/** Those who waited say whom the cache asked. */
function takeOver(record: Exchange['record'], of: Exchange['record']): void {
  record.endpoint = of.endpoint;
  record.attempts = of.attempts;
  record.upstreamStarted = of.upstreamStarted;
  record.upstreamRequestId ??= of.upstreamRequestId;
}
