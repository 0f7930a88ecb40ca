/** Tells of certificates before they end: each of them once for each time that is left. */

import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { ListedCertificate } from './certificates.ts';
import type { FoundCertificate } from './tls-files.ts';

const DAY_MS = 86_400_000;
/** Days that are left when it is told. */
const DAYS = [30, 14, 7, 3, 1];
/** How often certificates are looked at, in milliseconds. */
const LOOK_MS = 3_600_000;

/**
 * When it is told, in milliseconds before the end, first the last; `lifeMs` is the whole time of the certificate. What is
 * renewed with a third of its time left, as is usual, is never told of.
 */
export function warnedAt(lifeMs: number): number[] {
  const times = DAYS.map((days) => days * DAY_MS).filter((ms) => ms < lifeMs / 3);
  return [0, ...(times.length === 0 ? [lifeMs / 6] : times.reverse())];
}

/** The watch over the ends of all certificates. */
export class CertificateEndings implements Disposable {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #list: () => readonly ListedCertificate[];
  /** What was told last, in milliseconds before the end, by listener and fingerprint. */
  #told = new Map<string, number>();
  #cancel: () => void;

  constructor(clock: Clock, events: Events, list: () => readonly ListedCertificate[]) {
    this.#clock = clock;
    this.#events = events;
    this.#list = list;
    this.#cancel = clock.after(LOOK_MS, () => this.#lookAgain());
  }

  /** Looks now. */
  look(): void {
    const before = this.#told;
    // Only what is in use is remembered.
    this.#told = new Map();
    for (const { listener, certificate } of this.#list()) {
      const due = this.#due(certificate);
      if (due === undefined) continue;
      const key = `${listener} ${certificate.fingerprint}`;
      const last = before.get(key);
      this.#told.set(key, due);
      if (last === due) continue;
      const { pair, names, until } = certificate;
      const leftMs = until.getTime() - this.#clock.wall();
      this.#events.emit('certificate_ending', {
        listener,
        file: pair.source,
        names,
        until: until.toISOString(),
        leftDays: Math.max(0, Math.floor(leftMs / DAY_MS)),
        ended: leftMs <= 0,
      });
    }
  }

  /** Of all that end soon. */
  warnings(): string[] {
    return this.#list()
      .filter(({ certificate }) => this.#due(certificate) !== undefined)
      .map(({ listener, certificate: { pair, until } }) => {
        const verb = until.getTime() <= this.#clock.wall() ? 'ended' : 'ends';
        return `listener ${listener}: certificate ${pair.source} ${verb} on ${until.toISOString()}`;
      });
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #due({ from, until }: FoundCertificate): number | undefined {
    const leftMs = until.getTime() - this.#clock.wall();
    return warnedAt(until.getTime() - from.getTime()).find((ms) => leftMs <= ms);
  }

  #lookAgain(): void {
    this.#cancel = this.#clock.after(LOOK_MS, () => this.#lookAgain());
    this.look();
  }
}
