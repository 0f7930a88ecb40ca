/** All certificates that are kept by ACME, and the challenges that are due. */

import type { ListenerConfig } from '../../config/schema.ts';
import type { Clock } from '../../core/clock.ts';
import type { Events } from '../../core/events.ts';
import type { ChallengeAnswers } from '../../transport/acme/challenges.ts';
import { certificateFile } from './files.ts';
import { KeptCertificate, type KeptStatus } from './kept-certificate.ts';

/** What ACME needs of the process. */
export interface AcmeOptions {
  readonly clock: Clock;
  readonly events: Events;
  /** From 0 up to 1; `Math.random` where it is not given. */
  readonly random?: () => number;
  /** Has these challenges answered, and no others, in all threads; resolves when they are. */
  answer(answers: ChallengeAnswers): Promise<void>;
}

/** The certificates of all listeners that have `tls.acme`. */
export class Acme implements AsyncDisposable {
  readonly #options: AcmeOptions;
  /** By file: listeners with the same names share a certificate. */
  #kept = new Map<string, KeptCertificate>();
  readonly #answers = new Map<string, string>();

  constructor(options: AcmeOptions) {
    this.#options = options;
  }

  /** Keeps the certificates of these listeners, and no others. Those that it has go on as they are. */
  use(listeners: readonly ListenerConfig[]): void {
    const next = new Map<string, KeptCertificate>();
    for (const { tls } of listeners) {
      if (tls?.acme === undefined) continue;
      const file = certificateFile(tls.acme);
      if (next.has(file)) continue;
      const before = this.#kept.get(file);
      const same = before !== undefined && JSON.stringify(before.config) === JSON.stringify(tls.acme);
      next.set(file, same ? before : this.#keep(tls.acme));
    }
    const kept = new Set(next.values());
    for (const one of this.#kept.values()) if (!kept.has(one)) void one[Symbol.asyncDispose]();
    this.#kept = next;
  }

  /** Challenges that are due, by token. */
  get answers(): ChallengeAnswers {
    return this.#answers;
  }

  /** What operators should know. */
  warnings(): string[] {
    return [...this.#kept.values()].flatMap(({ config: { names }, problem }) =>
      problem === undefined ? [] : [`acme: ${names.join(', ')}: ${problem}`],
    );
  }

  /** How they are. */
  status(): KeptStatus[] {
    return [...this.#kept.values()].map(({ status }) => status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#kept.values()].map((one) => one[Symbol.asyncDispose]()));
  }

  #keep(config: KeptCertificate['config']): KeptCertificate {
    const { clock, events, random = Math.random, answer } = this.#options;
    const kept = new KeptCertificate({
      config,
      clock,
      events,
      random,
      publish: (answers) => {
        for (const [token, text] of answers) this.#answers.set(token, text);
        return answer(new Map(this.#answers));
      },
      retract: (tokens) => {
        let any = false;
        for (const token of tokens) any = this.#answers.delete(token) || any;
        if (any) void answer(new Map(this.#answers)).catch(() => {});
      },
    });
    kept.begin();
    return kept;
  }
}
