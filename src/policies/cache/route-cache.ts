/** The cache of one route: who may be answered from the store, who waits for whose answer, and what is kept. */

import { randomUUID } from 'node:crypto';
import { requestDirectives } from '../../cache/cache-control.ts';
import { addCacheStatus, type CacheStatus } from '../../cache/cache-status.ts';
import { freshness, ttlS } from '../../cache/freshness.ts';
import type { KeptAnswer } from '../../cache/kept-answer.ts';
import { mayServeOnError, reuse } from '../../cache/reuse.ts';
import type { CacheRules } from '../../cache/rules.ts';
import { passBy } from '../../cache/storable.ts';
import type { StoredAnswer } from '../../cache/stored.ts';
import type { Token } from '../../cache/tokens.ts';
import { selectStored } from '../../cache/vary.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Answer, CacheOutcome, Exchange } from '../../core/exchange.ts';
import { addVary } from '../../core/headers.ts';
import type { FetchRequest, PolicyContext } from '../../core/policy.ts';
import { adopt } from './adopt.ts';
import { rulesOf } from './compiled-rules.ts';
import { hint } from './early-hints.ts';
import { Flight } from './flight.ts';
import type { Arrived, Behalf, FlightSettings, Landing, Waiter } from './flight-settings.ts';
import { Flights } from './flights.ts';
import type { CacheOptions } from './options.ts';
import { among, asker, type Question, wantsWhole } from './question.ts';
import { forwardReason, oddity } from './reasons.ts';
import { Release } from './release.ts';
import { serve } from './served.ts';
import { Variants } from './variants.ts';
import { takeOver, waitsForMs } from './waiting.ts';
import { warmHosts } from './warm.ts';

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
    const { store, mirror } = context.services.cache;
    const app = options.single_page_app;
    const { flights, release } = context.kept(() => ({
      flights: new Flights(),
      release: app === false ? undefined : new Release(app),
    }));
    this.#options = options;
    this.#context = context;
    this.#rules = rulesOf(options);
    this.#release = release;
    this.#ask = asker(context.route.name, options, this.#release);
    this.#variants = new Variants(options.variants, context.services.cache);
    this.#flights = flights;
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
      outdated: (key, answer) => {
        store.delete(key, answer);
        mirror?.tell({ kind: 'outdated', key, vary: answer.vary, receivedAt: answer.receivedAt });
      },
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

  /** Traffic comes: takes what other threads keep, and fetches the pages of the hosts that the config names. */
  start(self: Pick<FetchRequest, 'client' | 'connection'>): void {
    const { route, services } = this.#context;
    const { store, mirror } = services.cache;
    mirror?.onKept(route.name, (kept) => adopt(kept, store, this.#release));
    const behalf = { client: self.client, id: randomUUID(), raw: { connection: self.connection } };
    const flights = (question: Question, stored: KeptAnswer | undefined) =>
      this.#flights.find(question) ?? this.#begin(behalf, question, stored);
    warmHosts(this.#options.single_page_app, this.#context, flights);
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
    const stale = stored !== undefined && mayServeOnError(stored, asked, now, honour) ? stored : undefined;
    // A HEAD fetches no body for the store, but what stands in for a GET stands in for it, too.
    const alone = marked || (head.method === 'HEAD' && stale === undefined);
    if (looks === 0 || alone || (asked.noStore && honour)) {
      this.#goOn(exchange, done, { fwd }, 'miss');
      return;
    }
    const running = this.#flights.find(question);
    const flight = running ?? this.#begin(exchange, question, stored);
    if (flight === undefined) this.#giveUp(exchange, done, stale, { fwd, detail: 'busy' });
    else this.#wait(exchange, done, { question, stale, flight, fwd, collapsed: running !== undefined, looks });
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
      stale,
      flight,
      fwd,
      collapsed,
      looks,
    }: {
      question: Question;
      stale: KeptAnswer | undefined;
      flight: Flight;
      fwd: NonNullable<CacheStatus['fwd']>;
      collapsed: boolean;
      looks: number;
    },
  ): void {
    const { record } = exchange;
    const whole = wantsWhole(exchange.raw.fields);
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
      stale,
      whole,
      inform: (status, fields) => exchange.downstream.inform(status, fields),
      land: (landing) => {
        if (!leave()) return;
        takeOver(record, flight.record);
        this.#land(exchange, done, landing, { fwd, collapsed: collapsed || undefined }, looks);
      },
    };
    const { clock } = this.#context;
    const forMs = waitsForMs(this.#options, { collapsed, whole, stale, flight }, clock.now());
    const tooLong = (): void => {
      if (leave()) this.#giveUp(exchange, done, stale, { fwd, detail: 'wait' });
    };
    const cancel = forMs === undefined ? undefined : clock.after(forMs, tooLong);
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
        // HEAD takes none of it: it must not hold the origin up.
        if (ended) body?.stop();
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
    serve(exchange, answer, status, this.#context.clock.wall(), this.#variants);
  }

  /** It does not wait (any longer) for what is fetched: a stale answer is better than a try of its own. */
  #giveUp(exchange: Exchange, done: Done, stale: KeptAnswer | undefined, status: CacheStatus): void {
    if (stale === undefined) this.#goOn(exchange, done, status, 'miss');
    else {
      const ttl = ttlS(stale, this.#context.clock.wall());
      this.#serve(exchange, stale, 'stale', { hit: true, ttlS: ttl, detail: status.detail });
    }
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
    const answer: StoredAnswer = {
      status: head.status,
      fields,
      body: whole.bytes,
      digest: whole.digest,
      codings: new Map(),
      vary,
      release: this.#release?.name(key, whole.digest) ?? '',
      ...freshness(head, times, this.#rules),
    };
    return this.#confirm(question, answer, token, endpoint);
  }

  #confirm(question: Question, answer: StoredAnswer, token: Token, endpoint: string | undefined): StoredAnswer {
    const { store } = this.#settings;
    const { key } = question;
    const limited = this.#limited(question, answer);
    const kept = store.put(key, limited, token);
    if (kept === undefined) return limited;
    this.#release?.arrived(key, kept, endpoint, store);
    this.#context.services.cache.mirror?.tell({ kind: 'kept', key, answer: kept, endpoint });
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
