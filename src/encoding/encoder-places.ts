/** How many encoders may be at work at one time: each takes memory for as long as its reader takes time. */
export class EncoderPlaces {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** How many are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** A place, given back when it is disposed, the first time; undefined where there is none. */
  take(): Disposable | undefined {
    if (this.#taken >= this.#most) return undefined;
    this.#taken += 1;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#taken -= 1;
        held = false;
      },
    };
  }
}
