/** An open loop: calls go out when they are due, however long those before them take. */

import { Chance } from '../../test/support/chance.ts';
import { Callers, KINDS, type Kind, type Target } from './callers.ts';
import { Tally } from './tally.ts';

/** Each page is asked for at least once in three rounds; the others are for pods and compilers. */
const WARM_ROUNDS = 9;
const ALL = Object.keys(KINDS) as Kind[];

/** How much is asked. */
export interface LoadOptions {
  readonly target: Target;
  /** Calls a second. */
  readonly rate: number;
  readonly seed: number;
  /** All of them where it is left out. */
  readonly kinds?: readonly Kind[];
}

/** A load that runs from `begin` until `stop`. */
export class Load implements Disposable {
  readonly tally = new Tally();
  /** Under which name calls are counted that go out from now on. */
  phase = 'calm';
  readonly #callers: Callers;
  readonly #chance: Chance;
  readonly #rate: number;
  readonly #hundred: readonly Kind[];
  readonly #open = new Set<Promise<void>>();
  readonly #prefix: string;
  #due = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ target, rate, seed, kinds = ALL }: LoadOptions) {
    this.#rate = rate;
    this.#chance = new Chance(seed);
    this.#prefix = `${seed}-${process.pid}`;
    this.#hundred = kinds.flatMap((kind) => Array<Kind>(KINDS[kind].share).fill(kind));
    this.#callers = new Callers(target, () => {
      this.tally.resent += 1;
    });
  }

  /**
   * Makes calls of all kinds, one after the other, that are not counted: what programs do slowly for the first time is not
   * what a scenario asks. Then the load begins. Rejects where such a call fails.
   */
  async begin(): Promise<void> {
    const kinds = [...new Set(this.#hundred)];
    for (let round = 0; round < WARM_ROUNDS; round += 1) {
      await Promise.all(kinds.map((kind) => this.#callers.call(kind, `${this.#prefix}-warm-${kind}-${round}`)));
    }
    this.#due = performance.now();
    this.#tick();
  }

  /** Lets the load run for so long. */
  async run(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Runs under a name for so long. */
  async during(phase: string, ms: number): Promise<void> {
    this.phase = phase;
    await this.run(ms);
  }

  /** Sends no more, and resolves when all calls are over. */
  async stop(): Promise<Tally> {
    clearTimeout(this.#timer);
    await Promise.all(this.#open);
    return this.tally;
  }

  #tick(): void {
    const now = performance.now();
    // A load that was held up itself does not make up for it in one burst of seconds.
    if (now - this.#due > 1000) this.#due = now;
    for (; this.#due <= now; this.#due += this.#gap()) this.#send();
    this.#timer = setTimeout(() => this.#tick(), 5);
  }

  /** Half of the mean gap to one and a half of it, in milliseconds. */
  #gap(): number {
    return (1000 / this.#rate) * (0.5 + this.#chance.below(1000) / 1000);
  }

  #send(): void {
    const kind = this.#chance.of(this.#hundred);
    this.tally.sent += 1;
    const open = this.#call(kind, `${this.#prefix}-${this.tally.sent}`);
    this.#open.add(open);
    void open.then(() => this.#open.delete(open));
  }

  async #call(kind: Kind, id: string): Promise<void> {
    const { phase } = this;
    const at = performance.now();
    const { safe } = KINDS[kind];
    let failure: string | undefined;
    try {
      await this.#callers.call(kind, id);
    } catch (error) {
      failure = (error as Error).message;
    }
    const ms = performance.now() - at;
    this.tally.outcomes.push({ kind, safe, id: safe ? undefined : id, phase, at, ms, failure });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#callers[Symbol.dispose]();
  }
}
