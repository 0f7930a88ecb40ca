/** One line that says how it goes, on a terminal only; a log gets the lines of what has ended. */

/** The line; disposed, it is gone. */
export class ProgressLine implements Disposable {
  readonly #title: string;
  readonly #shown: boolean;
  readonly #begun = performance.now();
  #lastAnswers = 0;
  #lastAt = performance.now();

  constructor(title: string, shown = process.stderr.isTTY === true) {
    this.#title = title;
    this.#shown = shown;
    this.#write('begins …');
  }

  /** What stands so far, from the first request that counts. */
  show(answers: number, errors: number): void {
    const now = performance.now();
    const perS = ((answers - this.#lastAnswers) * 1000) / Math.max(1, now - this.#lastAt);
    this.#lastAnswers = answers;
    this.#lastAt = now;
    const seconds = ((now - this.#begun) / 1000).toFixed(0);
    const state = answers + errors === 0 ? 'warm-up' : `${Math.round(perS)} req/s, ${errors} errors`;
    this.#write(`${seconds} s, ${state}`);
  }

  [Symbol.dispose](): void {
    if (this.#shown) process.stderr.write('\r\x1b[K');
  }

  #write(text: string): void {
    if (this.#shown) process.stderr.write(`\r\x1b[K${this.#title}: ${text}`);
  }
}
