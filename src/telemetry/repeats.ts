import type { Clock } from '../core/clock.ts';

/** So many lines of one kind are written in a window. */
const LINES = 10;
const WINDOW_MS = 10_000;
/** Kinds beyond this number share one. */
const KINDS = 512;

interface Kind {
  lines: number;
  left: number;
}

/** Keeps lines that an attack or an outage repeats from being the whole log: counts what is left out, and tells it. */
export class Repeats {
  readonly #clock: Clock;
  readonly #tell: (kind: string, left: number) => void;
  readonly #kinds = new Map<string, Kind>();

  constructor(clock: Clock, tell: (kind: string, left: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether a line of this kind is written now. What is left out is told when the window ends. */
  admits(name: string): boolean {
    const key = this.#kinds.size < KINDS || this.#kinds.has(name) ? name : 'other';
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      kind = { lines: 0, left: 0 };
      this.#kinds.set(key, kind);
      this.#clock.after(WINDOW_MS, () => this.#end(key));
    }
    kind.lines += 1;
    if (kind.lines <= LINES) return true;
    kind.left += 1;
    return false;
  }

  #end(key: string): void {
    const left = this.#kinds.get(key)?.left ?? 0;
    this.#kinds.delete(key);
    if (left > 0) this.#tell(key, left);
  }
}
