/** What is known of memory, in bytes. */
export interface MemoryFigures {
  /** The JavaScript heap of this thread. */
  readonly heapUsed: number;
  readonly heapLimit: number;
  /** What the process has in memory. Not what the cgroup counts: that has the files in it that were read last. */
  readonly resident: number;
  /** What the container may have; 0, or more than any machine has, where there is no limit. */
  readonly constrained: number;
}

/** Beyond this it is no limit. */
const NO_LIMIT = 2 ** 50;
/** It is over so many percent below where it began. */
const HYSTERESIS = 5;

/** Whether memory is short: of the heap, or of the container. */
export class MemoryPressure {
  readonly #percent: number;
  short = false;
  /** The fuller of both. */
  percent = 0;
  of: 'heap' | 'container' = 'heap';

  /** `percent`: from which share on memory is short. */
  constructor(percent: number) {
    this.#percent = percent;
  }

  /** Looks; true where it is another state than before. */
  observe({ heapUsed, heapLimit, resident, constrained }: MemoryFigures): boolean {
    const heap = (heapUsed / heapLimit) * 100;
    const container = constrained > 0 && constrained < NO_LIMIT ? (resident / constrained) * 100 : 0;
    this.of = container > heap ? 'container' : 'heap';
    this.percent = Math.max(heap, container);
    const before = this.short;
    this.short = this.percent >= this.#percent - (before ? HYSTERESIS : 0);
    return this.short !== before;
  }
}
