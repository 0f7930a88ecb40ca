/** Looks once a second how late the event loop of this thread is, and how much memory is left. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import { LoopShedder } from '../limits/overload/loop-shedder.ts';
import { type MemoryFigures, MemoryPressure } from '../limits/overload/memory-pressure.ts';

const LOOK_MS = 1000;

/** How a thread was when it was looked at last; zeros where nothing is looked at. */
export interface PressureFigures {
  /** The median delay of the event loop, in milliseconds. */
  readonly delayMs: number;
  /** How far requests are refused for it, in priorities; 0 for not at all. */
  readonly level: number;
  /** Priorities of which some are refused for it, or all. */
  readonly refused: readonly string[];
  readonly memoryShort: boolean;
  /** Of the heap or of the container, whichever is fuller. */
  readonly memoryPercent: number;
}
/** The histogram counts from one of its ticks to the next; what is beyond is delay. */
const RESOLUTION_MS = 20;

/** How late the event loop was since it was asked last, the median in milliseconds. */
export interface LoopDelay {
  median(): number;
  stop(): void;
}

/** From when on there is pressure, and how it is measured. */
export interface PressureWatchOptions {
  /** 0 for never. */
  readonly delayMs: number;
  /** 0 for never. */
  readonly memoryPercent: number;
  readonly clock: Clock;
  readonly events: Events;
  /** For tests; measured in this thread where it is not given. */
  readonly loopDelay?: () => LoopDelay;
  readonly memory?: () => MemoryFigures;
}

/** The pressure on this thread; looks from `start` on, until it is disposed. */
export class PressureWatch implements Disposable {
  readonly shedder: LoopShedder;
  readonly #memory: MemoryPressure;
  readonly #options: PressureWatchOptions;
  #trim: () => void = () => {};
  #loopDelay: LoopDelay | undefined;
  #cancel: (() => void) | undefined;
  #delayMs = 0;
  /** Nobody is refused: the one question that is asked of every request. */
  calm = true;

  constructor(options: PressureWatchOptions) {
    this.#options = options;
    this.shedder = new LoopShedder(options.delayMs);
    this.#memory = new MemoryPressure(options.memoryPercent);
  }

  get memoryShort(): boolean {
    return this.#memory.short;
  }

  get figures(): PressureFigures {
    const { level, refused } = this.shedder;
    const { short, percent } = this.#memory;
    return {
      delayMs: Math.round(this.#delayMs),
      level,
      refused,
      memoryShort: short,
      memoryPercent: Math.round(percent),
    };
  }

  /** Begins to look. `trim` gives memory back, of the generation that is in force now. */
  start(trim: () => void): void {
    this.#trim = trim;
    const { delayMs, memoryPercent, loopDelay = measuredLoopDelay } = this.#options;
    if (this.#cancel !== undefined || (delayMs === 0 && memoryPercent === 0)) return;
    if (delayMs > 0) this.#loopDelay = loopDelay();
    this.#next();
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#loopDelay?.stop();
  }

  #next(): void {
    this.#cancel = this.#options.clock.after(LOOK_MS, () => {
      this.#look();
      this.#next();
    });
  }

  #look(): void {
    const { events, memoryPercent, memory = measuredMemory } = this.#options;
    if (this.#loopDelay !== undefined) {
      const before = this.shedder.level;
      const delayMs = this.#loopDelay.median();
      this.#delayMs = delayMs;
      this.shedder.observe(delayMs);
      const { level } = this.shedder;
      if (level > 0 !== before > 0) events.emit('loop_pressure', { on: level > 0, delayMs: Math.round(delayMs) });
    }
    if (memoryPercent > 0) {
      const changed = this.#memory.observe(memory());
      const { short, percent, of } = this.#memory;
      if (changed) events.emit('memory_pressure', { on: short, percent: Math.round(percent), of });
      if (short) this.#trim();
    }
    this.calm = this.shedder.level === 0 && !this.#memory.short;
  }
}

function measuredLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    median() {
      const late = histogram.count === 0 ? 0 : histogram.percentile(50) / 1e6 - RESOLUTION_MS;
      histogram.reset();
      return Math.max(0, late);
    },
    stop: () => void histogram.disable(),
  };
}

function measuredMemory(): MemoryFigures {
  const { used_heap_size: heapUsed, heap_size_limit: heapLimit } = getHeapStatistics();
  return { heapUsed, heapLimit, resident: process.memoryUsage.rss(), constrained: process.constrainedMemory() };
}
