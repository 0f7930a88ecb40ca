import type { Fields, Receiver, Reset } from '../../src/core/raw.ts';
import { Lookout } from '../support/lookout.ts';

/** A receiver that remembers what it was told. */
export class Told implements Receiver {
  readonly events: string[] = [];
  body = '';
  bytes = 0;
  trailers: Fields | undefined;
  resets: Reset[] = [];
  drains = 0;
  heads: { fields: Fields; ended: boolean }[] = [];
  readonly #lookout = new Lookout();

  #tell(event: string): void {
    // Pieces of a body may be cut anywhere.
    if (event !== 'data' || this.events.at(-1) !== 'data') this.events.push(event);
    this.#lookout.look();
  }
  onHead(fields: Fields, ended: boolean): void {
    this.heads.push({ fields, ended });
    this.#tell('head');
  }
  onData(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    if (this.bytes < 10_000) this.body += Buffer.from(chunk).toString('latin1');
    this.#tell('data');
  }
  onEnd(trailers: Fields | undefined): void {
    this.trailers = trailers;
    this.#tell('end');
  }
  onReset(reset: Reset): void {
    this.resets.push(reset);
    this.#tell('reset');
  }
  onDrain(): void {
    this.drains += 1;
    this.#lookout.look();
  }
  onClose(): void {
    this.#tell('close');
  }

  /** Resolves when this holds. */
  until(holds: () => boolean): Promise<void> {
    return this.#lookout.until(holds);
  }
  seen(event: string): Promise<void> {
    return this.until(() => this.events.includes(event));
  }
}
