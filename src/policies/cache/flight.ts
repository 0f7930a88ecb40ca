/** One answer that is fetched for everybody who asks for it meanwhile. */

import { forOneSite } from '../../cache/cors.ts';
import { Fill, type FillOwner } from '../../cache/fill.ts';
import type { AnswerHead } from '../../cache/freshness.ts';
import type { KeptAnswer } from '../../cache/kept-answer.ts';
import { ERROR_STATUSES, standsIn } from '../../cache/reuse.ts';
import { notStored, storedFields } from '../../cache/storable.ts';
import type { StoredAnswer } from '../../cache/stored.ts';
import { SURROGATE_CAPABILITY, SURROGATE_CONTROL } from '../../cache/surrogate-control.ts';
import type { Token } from '../../cache/tokens.ts';
import { confirms, revalidated, validationFields } from '../../cache/update.ts';
import { varyFits, varyOf } from '../../cache/vary.ts';
import type { GatewayError } from '../../core/errors.ts';
import type { Answer } from '../../core/exchange.ts';
import { setField } from '../../core/headers.ts';
import type { Fetch, FetchReceiver } from '../../core/policy.ts';
import type { Fields } from '../../core/raw.ts';
import type { Behalf, FlightSettings, Landing, Waiter } from './flight-settings.ts';
import { among, type Question, toldLength } from './question.ts';
import { shownHead } from './shown-head.ts';
import { watchUnread } from './unread.ts';

/** One fetch, its fill, and who waits for it. */
export class Flight implements FetchReceiver, FillOwner {
  readonly question: Question;
  /** In milliseconds of the clock. */
  readonly begunAt: number;
  readonly #settings: FlightSettings;
  readonly #behalf: Behalf;
  /** What its answer depends on, as far as is known before it comes. */
  readonly #keyed: StoredAnswer['vary'];
  #validated: KeptAnswer | undefined;
  readonly #waiters = new Set<Waiter>();
  /** Endpoints that had not what was asked for. */
  readonly #asked: string[] = [];
  #fetch!: Fetch;
  #requestedAt = 0;
  #token: Token;
  #head: AnswerHead | undefined;
  /** What goes to those who read along: what is stored, and what says how old and how long it is. */
  #shown: AnswerHead | undefined;
  #stored: Fields = [];
  #times = { requestedAt: 0, receivedAt: 0 };
  #vary: StoredAnswer['vary'] | undefined;
  #fill: Fill | undefined;
  #unwatch: (() => void) | undefined;
  #landed = false;

  constructor(settings: FlightSettings, question: Question, behalf: Behalf, validated?: KeptAnswer) {
    this.#settings = settings;
    this.question = question;
    this.#behalf = behalf;
    this.begunAt = settings.clock.now();
    this.#validated = validated;
    this.#keyed = varyOf([], question.fields, settings.keyedBy)!;
    this.#token = settings.store.begin(question.key);
    this.#ask();
  }

  /** The record of the upstream's attempt, for those who waited. */
  get record(): Fetch['record'] {
    return this.#fetch.record;
  }

  /** Whether a request may wait for it. */
  takes(question: Question): boolean {
    if (this.#landed) return false;
    if (this.#head === undefined) return varyFits(this.#keyed, question.fields);
    if (this.#fill?.kept !== true || this.#vary === undefined) return false;
    return varyFits(this.#vary, question.fields);
  }

  /** Tells the waiter when there is something to tell; at once where the head is here. */
  join(waiter: Waiter): void {
    if (this.#head !== undefined && !waiter.whole) waiter.land(this.#stream(true, undefined));
    else this.#waiters.add(waiter);
  }

  /** The waiter has gone, or goes by itself. */
  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  onInterim(status: number, fields: Fields): void {
    // Before the head nobody knows whether others may have the answer.
    this.#asker()?.inform(status, fields);
  }

  onHead(answer: Answer): void {
    const { status, fields } = answer;
    if (this.#mayAskElsewhere(status)) {
      this.#fetch.cancel();
      this.#ask();
      return;
    }
    const head = { status, fields };
    this.#head = head;
    this.#times = { requestedAt: this.#requestedAt, receivedAt: this.#settings.clock.wall() };
    if (status === 304) {
      this.#notModified(head);
      return;
    }
    const failing = this.#isFailure(status);
    if (failing) this.#fallBack();
    const sent = this.question.fields;
    const why =
      forOneSite(fields) ??
      notStored('GET', sent, head, this.#times.receivedAt, this.#settings.rules) ??
      ((toldLength(fields) ?? 0) > this.#settings.maxBytes ? 'too-large' : undefined) ??
      // A failure that says how long it is fresh must not push out what stands in for failures.
      (failing && (status === 404 || standsIn(this.#validated, this.#times.receivedAt)) ? 'origin-failed' : undefined);
    if (why === undefined) this.#keep(head);
    else this.#pass(head, why, failing);
  }

  onData(chunk: Uint8Array): boolean {
    return this.#fill === undefined || this.#fill.push(chunk);
  }

  onEnd(trailers: Fields | undefined): void {
    const whole = this.#fill?.end(trailers);
    if (whole !== undefined && trailers === undefined) {
      const answer = this.#settings.keep(
        {
          question: this.question,
          head: this.#head!,
          fields: this.#stored,
          times: this.#times,
          vary: this.#vary!,
          whole,
        },
        this.#token,
        this.record.endpoint,
      );
      this.#tellAll({ kind: 'stored', answer, how: 'filled' });
    } else this.#tellAll({ kind: 'alone' });
    this.#land();
  }

  onError(error: GatewayError): void {
    this.#fallBack();
    this.#fill?.fail();
    this.#tellAll({ kind: 'failed', error });
    this.#land();
  }

  onDrain(): void {
    this.#fetch.drained();
  }

  onAbandoned(): void {
    this.#fetch.cancel();
    this.#land();
  }

  onTooLarge(): void {
    this.#mark();
    this.#tellAll({ kind: 'alone' });
  }

  #ask(): void {
    const { clock, fetch, timeoutMs, release, rules } = this.#settings;
    const { key, fields } = this.question;
    this.#requestedAt = clock.wall();
    this.#fetch = fetch(
      {
        method: 'GET',
        target: key.target,
        authority: key.host,
        fields: [
          'accept-encoding',
          'identity',
          ...fields,
          ...(rules.targets.includes(SURROGATE_CONTROL) ? SURROGATE_CAPABILITY : []),
          ...(this.#validated ? validationFields(this.#validated) : []),
        ],
        client: this.#behalf.client,
        connection: this.#behalf.raw.connection,
        id: this.#behalf.id,
        timeoutMs,
        avoid: this.#asked,
        prefer: release?.endpoint(key),
      },
      this,
    );
  }

  /** A file with a hash is there or it is not: an endpoint without it is of another release, and another may have it. */
  #mayAskElsewhere(status: number): boolean {
    const { release } = this.#settings;
    if (status !== 404 || release?.kind(this.question.key.target) !== 'hashed') return false;
    const { endpoint } = this.#fetch.record;
    if (endpoint === undefined || this.#asked.length + 1 >= this.#fetch.endpoints) return false;
    this.#asked.push(endpoint);
    return true;
  }

  #isFailure(status: number): boolean {
    if (ERROR_STATUSES.has(status)) return true;
    return status === 404 && this.#settings.release?.kind(this.question.key.target) === 'hashed';
  }

  #notModified(head: AnswerHead): void {
    const { rules } = this.#settings;
    const before = this.#validated;
    if (before !== undefined && confirms(before, head)) {
      // Who waits may ask for another answer of the URL than the one that was confirmed.
      this.#turnAway(before.vary);
      const fresh = revalidated(before, head, this.#times, rules);
      // The origin may have changed its mind with the 304: then it holds for who asked, and for nobody else.
      const confirmed = { status: fresh.status, fields: fresh.fields };
      const why =
        forOneSite(fresh.fields) ?? notStored('GET', this.question.fields, confirmed, this.#times.receivedAt, rules);
      if (why !== undefined) {
        this.#settings.outdated(this.question.key, before);
        const asker = this.#asker();
        if (asker !== undefined) this.#tell(asker, { kind: 'stored', answer: fresh, how: 'validated' });
        this.#tellAll({ kind: 'again' });
        this.#land();
        return;
      }
      const answer = this.#settings.confirm(this.question, fresh, this.#token, this.record.endpoint);
      this.#tellAll({ kind: 'stored', answer, how: 'validated' });
    } else {
      // It speaks of another answer than ours: what we have is not right any more.
      if (before !== undefined) this.#settings.outdated(this.question.key, before);
      this.#tellAll({ kind: 'again' });
    }
    this.#land();
  }

  /** The head is of an answer that is stored: everybody for whom it is reads along. */
  #keep(head: AnswerHead): void {
    this.#vary = varyOf(head.fields, this.question.fields, this.#settings.keyedBy)!;
    this.#stored = storedFields(head.fields, this.#settings.rules);
    // Of the one exchange that it came with.
    setField(this.#stored, 'x-request-id', undefined);
    this.#shown = shownHead(head, this.#stored);
    const fill = new Fill(this.#settings.maxBytes, this);
    this.#fill = fill;
    const { clock, timeoutMs } = this.#settings;
    this.#unwatch = watchUnread(clock, timeoutMs, {
      unread: () => fill.unread && this.#waiters.size === 0,
      giveUp: () => this.onAbandoned(),
    });
    this.#turnAway(this.#vary);
    for (const waiter of [...this.#waiters]) {
      if (!waiter.whole) this.#tell(waiter, this.#stream(true, undefined));
    }
  }

  /** Those for whom the answer is not look again. */
  #turnAway(vary: StoredAnswer['vary']): void {
    for (const waiter of [...this.#waiters]) {
      if (!varyFits(vary, waiter.question.fields)) this.#tell(waiter, { kind: 'again' });
    }
  }

  /**
   * The head is of an answer that is not stored: it may be for nobody but who asked, with the fields that went upstream.
   * Where that one waits it gets it; the others go by themselves, also where that one has left.
   */
  #pass(head: AnswerHead, why: string, failing: boolean): void {
    if (!failing) {
      this.#mark();
      // What was stored before is not what the origin says now.
      if (this.#validated !== undefined) this.#settings.outdated(this.question.key, this.#validated);
    }
    const asker = this.#asker();
    if (asker === undefined || (asker.whole && head.status === 200)) {
      this.#tellAll({ kind: 'alone' });
      this.#fetch.cancel();
      this.#land();
      return;
    }
    this.#fill = new Fill(0, this);
    this.#tell(asker, this.#stream(false, why));
    this.#tellAll({ kind: 'alone' });
  }

  /** The request for which this was asked, where it still waits. */
  #asker(): Waiter | undefined {
    return [...this.#waiters].find(({ question }) => question === this.question);
  }

  #stream(stored: boolean, why: string | undefined): Landing {
    return { kind: 'stream', head: this.#shown ?? this.#head!, body: this.#fill!.reader(), stored, why };
  }

  /** The origin fails: who may have a stale answer gets it. */
  #fallBack(): void {
    for (const waiter of [...this.#waiters]) {
      if (waiter.stale !== undefined) this.#tell(waiter, { kind: 'stored', answer: waiter.stale, how: 'failed' });
    }
  }

  #mark(): void {
    const { store, uncacheableS, keyedBy } = this.#settings;
    store.markUncacheable(this.question.key, uncacheableS, among(this.question, keyedBy));
  }

  #tell(waiter: Waiter, landing: Landing): void {
    if (this.#waiters.delete(waiter)) waiter.land(landing);
  }

  #tellAll(landing: Landing): void {
    for (const waiter of [...this.#waiters]) this.#tell(waiter, landing);
  }

  #land(): void {
    if (this.#landed) return;
    this.#landed = true;
    this.#unwatch?.();
    this.#token[Symbol.dispose]();
    this.#settings.landed(this);
  }
}
