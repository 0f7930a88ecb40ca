import { AggregatorRegistry } from 'prom-client';
import type { MetricsSnapshot } from './metrics.ts';

/** One metric as prom-client hands it on. */
interface Snapshot {
  readonly name: string;
  readonly type: string;
}

/** One that was merged: its values stand still. */
interface Merged {
  get(): object;
}

/**
 * The metrics of several threads as one: counted together, or told apart by the label `worker`. What a worker had counted
 * when it was read last stays counted after its end, so that no counter goes backwards.
 */
export class MergedMetrics {
  readonly #last = new Map<number, MetricsSnapshot>();
  #ended: readonly object[] = [];

  /** All as text; of a worker that did not answer (undefined) what it said last counts. */
  text(main: MetricsSnapshot, workers: ReadonlyMap<number, MetricsSnapshot | undefined>): Promise<string> {
    for (const [thread, snapshot] of workers) if (snapshot !== undefined) this.#last.set(thread, snapshot);
    return merged([main, this.#ended, ...this.#last.values()]).metrics();
  }

  /** A thread has ended. */
  ended(thread: number): void {
    const last = this.#last.get(thread);
    this.#last.delete(thread);
    if (last === undefined) return;
    const counted = last.filter((metric) => {
      const { name, type } = metric as Snapshot;
      // What it had of its own ends with it.
      return (type === 'counter' || type === 'histogram') && !name.startsWith('nodejs_');
    });
    this.#ended = merged([this.#ended, counted])
      .getMetricsAsArray()
      .map((metric) => (metric as unknown as Merged).get());
  }
}

function merged(snapshots: readonly MetricsSnapshot[]): ReturnType<typeof AggregatorRegistry.aggregate> {
  return AggregatorRegistry.aggregate(snapshots as never);
}
