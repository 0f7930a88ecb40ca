/** One certificate that is kept by ACME: ordered when there is none, renewed before its end, tried again when that fails. */

import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { Events } from '../../core/events.ts';
import { AccountKey } from '../../transport/acme/account-key.ts';
import type { ChallengeAnswers } from '../../transport/acme/challenges.ts';
import { Directory } from '../../transport/acme/directory.ts';
import { order } from '../../transport/acme/order.ts';
import { AcmeProblem } from '../../transport/acme/problem.ts';
import { certificateId, suggestedWindow, timeIn, usualWindow, type Window } from '../../transport/acme/renewal-time.ts';
import { type CheckedPair, checkPair } from '../../transport/certificates.ts';
import { bytesOf } from '../tls-files.ts';
import { type AcmeConfig, accountFolder, certificateFile, readSecret, writeSecret } from './files.ts';
import { FolderLock } from './folder-lock.ts';
import { OrderBook } from './order-book.ts';
import { readStored } from './stored-pair.ts';

/** What one certificate is kept with. */
export interface KeptOptions {
  readonly config: AcmeConfig;
  readonly clock: Clock;
  readonly events: Events;
  /** From 0 up to 1. */
  random(): number;
  publish(answers: ChallengeAnswers): Promise<void>;
  retract(tokens: Iterable<string>): void;
}

/** How it is; for /certificates. */
export interface KeptStatus {
  readonly names: readonly string[];
  readonly directory: string;
  readonly state: 'waiting' | 'ordering';
  /** When it is ordered, or looked at whether to; undefined while that is not known. */
  readonly next: string | undefined;
  readonly failures: number;
  readonly problem?: string;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** It is looked at so often at least, in milliseconds: files may change, clocks may jump. */
const LOOK_MS = HOUR_MS;
/** Another process orders: looked at again after so long. */
const BUSY_MS = MINUTE_MS;
/** Waits after failures, in milliseconds, each longer than the one before. */
const RETRY_MS = [MINUTE_MS, 5 * MINUTE_MS, 20 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, 12 * HOUR_MS];
/** How often suggestions are asked for, where the directory does not say, and the bounds of what it may say. */
const ASK_MS = { usual: 6 * HOUR_MS, least: MINUTE_MS, most: DAY_MS };

/** The keeping of one certificate, until it is disposed of. */
export class KeptCertificate implements AsyncDisposable {
  readonly config: AcmeConfig;
  readonly file: string;
  readonly #options: KeptOptions;
  readonly #folder: string;
  readonly #book: OrderBook;
  readonly #stop = new AbortController();
  #cancel: () => void = () => {};
  #looking: Promise<void> = Promise.resolve();
  #ordering = false;
  #failures = 0;
  #problem: string | undefined;
  #nextAt: number | undefined;
  /** What the directory suggests for a certificate, and when to ask it again. */
  #suggested: { readonly of: string; readonly window: Window | undefined; readonly againAt: number } | undefined;

  constructor(options: KeptOptions) {
    this.#options = options;
    this.config = options.config;
    this.#folder = accountFolder(options.config);
    this.file = certificateFile(options.config);
    this.#book = new OrderBook(this.#folder);
  }

  /** Looks now, and from now on; challenges must be answered. */
  begin(): void {
    this.#lookAfter(0);
  }

  get status(): KeptStatus {
    const { names, directory } = this.config;
    return {
      names,
      directory,
      state: this.#ordering ? 'ordering' : 'waiting',
      next: this.#nextAt === undefined ? undefined : new Date(this.#nextAt).toISOString(),
      failures: this.#failures,
      ...(this.#problem !== undefined && { problem: this.#problem }),
    };
  }

  /** Why there is no new certificate, while there should be. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Resolves when what is under way now is over. */
  get settled(): Promise<void> {
    return this.#looking;
  }

  /** Resolves when nothing is under way any more, and nothing will be. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the gateway stops'));
    this.#cancel();
    await this.#looking;
  }

  #lookAfter(ms: number): void {
    this.#cancel();
    if (this.#stop.signal.aborted) return;
    this.#nextAt = this.#options.clock.wall() + ms;
    this.#cancel = this.#options.clock.after(ms, () => {
      this.#looking = this.#look();
    });
  }

  async #look(): Promise<void> {
    const { clock, events, random } = this.#options;
    try {
      const waitMs = await this.#renewIfDue();
      this.#failures = 0;
      this.#problem = undefined;
      this.#lookAfter(waitMs);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#failures += 1;
      const usual = RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1]! * (0.75 + random() / 2);
      const asked = error instanceof AcmeProblem ? Math.min(error.retryAfterMs ?? 0, DAY_MS) : 0;
      const retryInMs = Math.round(Math.max(usual, asked));
      this.#problem = error instanceof Error ? error.message : String(error);
      const now = clock.wall();
      if (asked > 0) await this.#book.hold(now, now + asked).catch(() => {});
      events.emit('acme_failed', { names: this.config.names, problem: this.#problem, retryInMs });
      this.#lookAfter(retryInMs);
    }
  }

  /** Orders where it is time; gives in how many milliseconds to look again. */
  async #renewIfDue(): Promise<number> {
    const { clock } = this.#options;
    const directory = new Directory({
      url: this.config.directory,
      authorities: this.config.ca_file === undefined ? [] : [(await bytesOf(this.config.ca_file)).toString('utf8')],
      clock,
      signal: this.#stop.signal,
    });
    const left = await this.#leftMs(directory, await this.#stored());
    if (left > 0) return Math.min(left, LOOK_MS);
    await using lock = await FolderLock.take(this.#folder, clock);
    if (lock === undefined) return BUSY_MS;
    // The one who had the lock may have renewed it.
    const before = await this.#stored();
    const stillLeft = await this.#leftMs(directory, before);
    if (stillLeft > 0) return Math.min(stillLeft, LOOK_MS);
    const allowedInMs = (await this.#book.allowedAt(clock.wall(), this.config.max_orders_per_day)) - clock.wall();
    if (allowedInMs > 0) {
      const when = new Date(clock.wall() + allowedInMs).toISOString();
      throw new AcmeProblem(
        'held',
        `no order before ${when}: too many today, or the authority asked to wait`,
        0,
        allowedInMs,
      );
    }
    const issued = await this.#order(directory, before);
    return Math.min(Math.max(MINUTE_MS, await this.#leftMs(directory, issued)), LOOK_MS);
  }

  /** The pair that is stored and can be used; undefined where there is none. */
  async #stored(): Promise<CheckedPair | undefined> {
    const pair = await readStored(this.file);
    if (pair === undefined) return undefined;
    try {
      const checked = checkPair(pair, this.#options.clock.wall());
      return this.config.names.every((name) => checked.names.includes(name)) ? checked : undefined;
    } catch {
      return undefined; // another one takes its place
    }
  }

  /** How long until it is to be renewed, in milliseconds; 0 or less where that is now. */
  async #leftMs(directory: Directory, stored: CheckedPair | undefined): Promise<number> {
    if (stored === undefined) return 0;
    const { certificate } = stored.pair;
    const { renew_before_days: days } = this.config;
    const window =
      (await this.#suggestion(directory, stored)) ??
      usualWindow(certificate, days === undefined ? undefined : days * DAY_MS);
    const at = timeIn(window, certificate);
    const now = this.#options.clock.wall();
    if (at <= now) return 0;
    return Math.min(at - now, Math.max(MINUTE_MS, (this.#suggested?.againAt ?? at) - now));
  }

  /** What the directory suggests; undefined where it suggests nothing, or cannot be asked: that alone is no failure. */
  async #suggestion(directory: Directory, { pair, fingerprint }: CheckedPair): Promise<Window | undefined> {
    const now = this.#options.clock.wall();
    const known = this.#suggested?.of === fingerprint ? this.#suggested : undefined;
    if (known !== undefined && now < known.againAt) return known.window;
    let window = known?.window;
    let askMs = ASK_MS.usual;
    try {
      const url = await directory.renewalInfoUrl();
      const id = certificateId(pair.certificate);
      if (url !== undefined && id !== undefined) {
        const { json, retryAfterMs } = await directory.get(`${url}/${id}`);
        window = suggestedWindow(json);
        askMs = Math.min(ASK_MS.most, Math.max(ASK_MS.least, retryAfterMs ?? ASK_MS.usual));
      }
    } catch {
      // Asked again later; what was known holds, and there is still the usual time.
    }
    this.#suggested = { of: fingerprint, window, againAt: now + askMs };
    return window;
  }

  async #order(directory: Directory, before: CheckedPair | undefined): Promise<CheckedPair> {
    const { clock, events, publish, retract } = this.#options;
    const { names, key_type, preferred_issuer, profile, email, external_account: external } = this.config;
    this.#ordering = true;
    try {
      const account = await directory.account(
        await this.#accountKey(),
        email,
        external && { keyId: external.key_id, hmacKey: external.hmac_key },
      );
      await this.#book.note(clock.wall());
      const replaces =
        before === undefined || (await directory.renewalInfoUrl()) === undefined
          ? undefined
          : certificateId(before.pair.certificate);
      const issued = await order({
        directory,
        account,
        names,
        keyKind: key_type,
        preferredIssuer: preferred_issuer,
        profile,
        replaces,
        clock,
        signal: this.#stop.signal,
        publish,
        retract,
      });
      const pair = { ...issued, source: this.file };
      const checked = checkPair(pair, clock.wall());
      const missing = names.filter((name) => !checked.names.includes(name));
      if (missing.length > 0) throw new Error(`the certificate that was issued is not for ${missing.join(', ')}`);
      await writeSecret(this.file, `${issued.key}${issued.certificate}`);
      events.emit('acme_issued', { names, file: this.file, until: checked.until.toISOString() });
      return checked;
    } finally {
      this.#ordering = false;
    }
  }

  /** The key of the account, made on first use. */
  async #accountKey(): Promise<AccountKey> {
    const file = join(this.#folder, 'account.pem');
    const pem = await readSecret(file);
    if (pem !== undefined) {
      try {
        return AccountKey.read(pem);
      } catch (error) {
        throw new Error(
          `${file}: cannot be read (${(error as Error).message}); a new account is made if it is removed`,
          {
            cause: error,
          },
        );
      }
    }
    const key = AccountKey.make();
    await writeSecret(file, key.pem);
    return key;
  }
}
