/** What all threads have in common for TLS, and what it needs while they run: certificates, and the key of tickets. */

import type { Config, ListenerConfig } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import { FollowedFile } from '../core/followed-file.ts';
import type { ChallengeAnswers } from '../transport/acme/challenges.ts';
import { TicketKeys, ticketSecret } from '../transport/ticket-keys.ts';
import type { TlsSettings } from '../transport/tls.ts';
import type { Acme } from './acme/acme.ts';
import type { KeptStatus } from './acme/kept-certificate.ts';
import { Certificates } from './certificates.ts';
import { bytesOf } from './tls-files.ts';
import type { Workers } from './workers.ts';

/** Those who make handshakes. Both functions may be called at any time, and again with what they have. */
export interface TlsUser {
  /** Uses other settings for these listeners; throws or rejects where that cannot be done. */
  useTls(settings: ReadonlyMap<string, TlsSettings>): Promise<void> | void;
  setTicketKeys(key: Buffer): Promise<void> | void;
  /** Answers these challenges by HTTP-01, and no others. */
  setChallenges(answers: ChallengeAnswers): Promise<void> | void;
}

/** What the TLS of a process is made with. */
export interface SharedTlsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly events: Events;
  /** Where the development certificate is kept. */
  readonly folder: string;
}

/** All workers; one that cannot use what this thread can is not sound, and is replaced. */
export function tlsOfWorkers(workers: Workers): TlsUser {
  return {
    async useTls(settings) {
      for (const [thread, done] of await workers.ask('tls', settings)) if (done !== true) await thread.kill();
    },
    setTicketKeys: (key) => workers.setTicketKeys(key),
    async setChallenges(answers) {
      await workers.ask('challenges', answers);
    },
  };
}

/** The certificates and ticket keys of the process, told to every user of TLS. */
export class SharedTls implements Disposable {
  readonly certificates: Certificates;
  readonly #options: SharedTlsOptions;
  readonly #tickets: TicketKeys;
  readonly #secretFile: FollowedFile | undefined;
  #users: readonly TlsUser[] = [];
  /** One change after the other: what was told last is what holds. */
  #turn: Promise<unknown> = Promise.resolve();
  #ticketProblem: string | undefined;
  #acme: Acme | undefined;

  private constructor(options: SharedTlsOptions, secret: Buffer | undefined) {
    const { clock, events, folder, config } = options;
    this.#options = options;
    this.certificates = new Certificates({
      clock,
      events,
      folder,
      use: (listener, settings) => this.#tell((user) => user.useTls(new Map([[listener, settings]]))),
    });
    const { keys_file: file, rotate_ms: rotateMs } = config.tls.tickets;
    this.#tickets = new TicketKeys({ clock, rotateMs, secret, onKey: (key) => this.#useKey(key) });
    this.#secretFile =
      file === undefined ? undefined : new FollowedFile(file, clock, () => void this.#readSecret(file));
  }

  /** Reads what the config names; rejects with a message that names the file where it cannot be used. */
  static async load(options: SharedTlsOptions): Promise<SharedTls> {
    const { keys_file: file } = options.config.tls.tickets;
    const tls = new SharedTls(options, file === undefined ? undefined : ticketSecret(await bytesOf(file), file));
    const prepared = await tls.orDisposed(tls.certificates.prepare(options.config.listeners));
    prepared.commit();
    return tls;
  }

  /** Passes an outcome on; where it is a failure, nobody needs this any more. */
  async orDisposed<T>(outcome: Promise<T>): Promise<T> {
    try {
      return await outcome;
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Names those who make handshakes; resolves when they have all there is. Changes reach them from now on. */
  async begin(users: readonly TlsUser[]): Promise<void> {
    this.#users = users;
    await this.again();
  }

  /** Tells all of them everything once more: one of them has begun anew, and may have missed a change. */
  async again(): Promise<void> {
    await this.#tell(async (user) => {
      await user.setTicketKeys(this.#tickets.current);
      await user.useTls(this.certificates.settings);
      if (this.#acme !== undefined) await user.setChallenges(this.#acme.answers);
    });
  }

  /** Has certificates of these listeners ordered and renewed by ACME, where the config wants it; they are bound. */
  async keep(listeners: readonly ListenerConfig[]): Promise<void> {
    if (this.#acme === undefined) {
      if (listeners.every(({ tls }) => tls?.acme === undefined)) return;
      // Loaded only where it is asked for: it brings an ASN.1 library with it.
      const { Acme } = await import('./acme/acme.ts');
      const { clock, events } = this.#options;
      this.#acme = new Acme({ clock, events, answer: (due) => this.#tell((user) => user.setChallenges(due)) });
    }
    this.#acme.use(listeners);
  }

  /** How the certificates are that ACME keeps. */
  acmeStatus(): readonly KeptStatus[] {
    return this.#acme?.status() ?? [];
  }

  /** What operators should know. */
  warnings(): string[] {
    const tickets = this.#ticketProblem === undefined ? [] : [`tls.tickets.keys_file: ${this.#ticketProblem}`];
    return [...this.certificates.warnings(), ...(this.#acme?.warnings() ?? []), ...tickets];
  }

  [Symbol.dispose](): void {
    void this.#acme?.[Symbol.asyncDispose]();
    this.certificates[Symbol.dispose]();
    this.#tickets[Symbol.dispose]();
    this.#secretFile?.[Symbol.dispose]();
  }

  /** The first that cannot stops it: this thread's own listeners come before those of workers. */
  #tell(change: (user: TlsUser) => Promise<void> | void): Promise<void> {
    const told = this.#turn.then(async () => {
      for (const user of this.#users) await change(user);
    });
    this.#turn = told.catch(() => {});
    return told;
  }

  #useKey(key: Buffer): void {
    this.#tell((user) => user.setTicketKeys(key)).then(
      () => this.#options.events.emit('ticket_key_rotated', {}),
      () => {}, // a worker that is gone; the next one begins with it
    );
  }

  async #readSecret(file: string): Promise<void> {
    try {
      this.#tickets.useSecret(ticketSecret(await bytesOf(file), file));
      this.#ticketProblem = undefined;
    } catch (error) {
      this.#ticketProblem = error instanceof Error ? error.message : String(error);
      this.#options.events.emit('ticket_keys_refused', { file, problem: this.#ticketProblem });
    }
  }
}
