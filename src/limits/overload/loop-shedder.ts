import { PRIORITIES, RANKS, type Rank } from './priority.ts';

/** How far the level rises and falls from one look to the next. */
const RISE = 1;
const FALL = 0.5;
/** Somebody of each priority always comes through. */
const MOST = 0.95;

/**
 * Refuses requests while the event loop is late, the least important first. It begins at `delayMs` and ends below half of
 * it. The level is 1 at `delayMs`, where all of the last priority are refused, and one more for each half of it beyond,
 * which is one priority more; it moves in steps, so that it does not swing.
 */
export class LoopShedder {
  readonly #delayMs: number;
  readonly #owed = new Float64Array(RANKS);
  #active = false;
  #level = 0;

  /** `delayMs`: from which delay on requests are refused, in milliseconds. */
  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  /** 0 where nobody is refused. */
  get level(): number {
    return this.#level;
  }

  /** The priorities of which some are refused now, or all; most important first. */
  get refused(): readonly string[] {
    return PRIORITIES.filter((_, rank) => this.#level > RANKS - 1 - rank);
  }

  /** The median delay of the event loop since the last time. */
  observe(medianMs: number): void {
    if (medianMs >= this.#delayMs) this.#active = true;
    else if (medianMs < this.#delayMs / 2) this.#active = false;
    const target = this.#active ? Math.min(RANKS, (2 * medianMs) / this.#delayMs - 1) : 0;
    this.#level = Math.max(0, Math.min(this.#level + RISE, Math.max(this.#level - FALL, target)));
    if (this.#level === 0) this.#owed.fill(0);
  }

  /** Whether this request is refused: of a priority evenly as many as its share says. */
  refuses(rank: Rank): boolean {
    const share = Math.min(MOST, this.#level - (RANKS - 1 - rank));
    if (share <= 0) return false;
    this.#owed[rank]! += share;
    if (this.#owed[rank]! < 1) return false;
    this.#owed[rank]! -= 1;
    return true;
  }
}
