/** The files that a config is read from, followed: the YAML, and what it names and is read with it. */

import type { Clock } from '../core/clock.ts';
import { FollowedFile } from '../core/followed-file.ts';
import type { Config } from './schema.ts';

/** Changes come in groups: of a ConfigMap and a Secret, or of a certificate and its key. In milliseconds. */
const QUIET_MS = 200;

/**
 * Files that only a reload reads again, beside those of `file:` references. Lists of networks, files of endpoints,
 * certificates of listeners and ticket keys are followed where they are used.
 */
export function filesReadWith({ upstreams, limiter }: Config): string[] {
  const files = Object.values(upstreams).flatMap(({ tls }) => [tls?.ca_file, tls?.certificate_file, tls?.key_file]);
  files.push(limiter.shared?.ca_file);
  return [...new Set(files.filter((file) => file !== undefined))];
}

/** Tells when one of its files may say something else, after they have come to rest. */
export class ConfigWatch implements Disposable {
  readonly #clock: Clock;
  readonly #onChanged: () => void;
  readonly #followed = new Map<string, FollowedFile>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, onChanged: () => void) {
    this.#clock = clock;
    this.#onChanged = onChanged;
  }

  /** The files that are followed. */
  get files(): string[] {
    return [...this.#followed.keys()];
  }

  /** Follows these, and no others. */
  follow(files: Iterable<string>): void {
    const wanted = new Set(files);
    for (const [file, followed] of this.#followed) {
      if (wanted.has(file)) continue;
      followed[Symbol.dispose]();
      this.#followed.delete(file);
    }
    for (const file of wanted) {
      if (this.#followed.has(file)) continue;
      this.#followed.set(file, new FollowedFile(file, this.#clock, () => this.#changed()));
    }
  }

  [Symbol.dispose](): void {
    this.follow([]);
    this.#cancel?.();
  }

  #changed(): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(QUIET_MS, this.#onChanged);
  }
}
