/** The certificates of all listeners: loaded, followed, told of before they end. */

import type { ListenerConfig } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { CertificateExpiry } from '../telemetry/certificate-metrics.ts';
import type { TlsSettings } from '../transport/tls.ts';
import { CertificateEndings } from './certificate-endings.ts';
import { FollowedTls } from './followed-tls.ts';
import type { FoundCertificate, ReadTls } from './tls-files.ts';

/** What the certificates of a process are kept with. */
export interface CertificatesOptions {
  readonly clock: Clock;
  readonly events: Events;
  /** Where the development certificate is kept. */
  readonly folder: string;
  /** Puts other certificates in use, in all threads; rejects where that cannot be done. */
  use(listener: string, settings: TlsSettings): Promise<void>;
}

/** TLS of listeners that are not yet there. */
export interface PreparedTls {
  /** By the name of the listener; those without TLS are not in it. */
  readonly settings: ReadonlyMap<string, TlsSettings>;
  /** They are there, and no others. */
  commit(): void;
  /** They are not wanted. */
  abandon(): void;
}

/** A certificate in use. */
export interface ListedCertificate {
  readonly listener: string;
  readonly certificate: FoundCertificate;
}

/** The certificates of all listeners over reloads. */
export class Certificates implements Disposable {
  readonly #options: CertificatesOptions;
  readonly #endings: CertificateEndings;
  #followed = new Map<string, FollowedTls>();

  constructor(options: CertificatesOptions) {
    this.#options = options;
    const { clock, events } = options;
    this.#endings = new CertificateEndings(clock, events, () => this.list());
  }

  /**
   * Reads the certificates of these listeners; those that are in use already for a listener of the same name and `tls` are
   * not read again. Rejects with a message that names the file, and nothing has changed.
   */
  async prepare(listeners: readonly ListenerConfig[]): Promise<PreparedTls> {
    const next = new Map<string, FollowedTls>();
    const made: FollowedTls[] = [];
    const abandon = (): void => {
      for (const followed of made) followed[Symbol.dispose]();
    };
    try {
      for (const { name, tls } of listeners) {
        if (tls === undefined) continue;
        const kept = this.#followed.get(name);
        if (kept !== undefined && JSON.stringify(kept.config) === JSON.stringify(tls)) {
          next.set(name, kept);
          continue;
        }
        const followed = await this.#load(name, tls);
        made.push(followed);
        next.set(name, followed);
      }
    } catch (error) {
      abandon();
      throw error;
    }
    return {
      settings: settingsOf(next),
      abandon,
      commit: () => {
        const kept = new Set(next.values());
        for (const followed of this.#followed.values()) if (!kept.has(followed)) followed[Symbol.dispose]();
        this.#followed = next;
        for (const followed of next.values()) followed.begin();
        this.#endings.look();
      },
    };
  }

  /** What is in use, by the name of the listener. */
  get settings(): ReadonlyMap<string, TlsSettings> {
    return settingsOf(this.#followed);
  }

  /** Every certificate in use. */
  list(): ListedCertificate[] {
    return [...this.#followed].flatMap(([listener, { current }]) =>
      current.certificates.map((certificate) => ({ listener, certificate })),
    );
  }

  /** The same with the time that they are still valid, in seconds. */
  expiries(): CertificateExpiry[] {
    const now = this.#options.clock.wall();
    return this.list().map(({ listener, certificate: { names, pair, until } }) => ({
      listener,
      name: names[0] ?? pair.source,
      leftS: (until.getTime() - now) / 1000,
    }));
  }

  /** What operators should know: files that cannot be used, and certificates that end soon. */
  warnings(): string[] {
    const problems = [...this.#followed].flatMap(([listener, { problem }]) =>
      problem === undefined ? [] : [`listener ${listener}: ${problem}; the certificates before stay in use`],
    );
    return [...problems, ...this.#endings.warnings()];
  }

  /** What /certificates tells. */
  status(): Record<string, unknown>[] {
    return [...this.#followed].flatMap(([listener, { current, problem }]) =>
      current.certificates.map(({ pair, names, subject, issuer, from, until, fingerprint, key, warnings }) => ({
        listener,
        source: pair.source,
        names,
        subject,
        issuer,
        key,
        fingerprint,
        from: from.toISOString(),
        until: until.toISOString(),
        ...(warnings.length > 0 && { warnings }),
        ...(problem !== undefined && { problem }),
      })),
    );
  }

  [Symbol.dispose](): void {
    this.#endings[Symbol.dispose]();
    for (const followed of this.#followed.values()) followed[Symbol.dispose]();
  }

  #load(listener: string, config: NonNullable<ListenerConfig['tls']>): Promise<FollowedTls> {
    const { clock, folder, events, use } = this.#options;
    return FollowedTls.load({
      listener,
      config,
      folder,
      clock,
      use,
      onLoaded: (now, before) => {
        events.emit('certificates_loaded', {
          listener,
          certificates: now.certificates.map(told),
          vanished: vanished(now, before),
        });
        this.#endings.look();
      },
      onRefused: (problem) => events.emit('certificates_refused', { listener, problem }),
    });
  }
}

function told({ pair, names, until, warnings }: FoundCertificate) {
  return { file: pair.source, names, until: until.toISOString(), warnings };
}

/** Names that were served and no longer are. */
function vanished(now: ReadTls, before: ReadTls): string[] {
  const namesOf = ({ certificates }: ReadTls): string[] => certificates.flatMap(({ names }) => names);
  const left = new Set(namesOf(now));
  return [...new Set(namesOf(before))].filter((name) => !left.has(name));
}

function settingsOf(followed: ReadonlyMap<string, FollowedTls>): Map<string, TlsSettings> {
  return new Map([...followed].map(([name, { current }]) => [name, current.settings]));
}
