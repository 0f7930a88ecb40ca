/** What a micro-benchmark measures: a function, with a check that it does what its name says. */

/** One thing that is measured. */
export interface Case {
  /** As the table says it. */
  readonly name: string;
  /** So many operations are one run: more than one where a run has to wait for something at its end. */
  readonly operations: number;
  /** Does it once, or `operations` times. What it gives is kept from the optimizer. */
  run(): unknown;
  /** Throws where what `run` gave is wrong. Called before and after the measurement: what changes meanwhile shows. */
  check(result: unknown): void | Promise<void>;
}

/** Makes a case; `check` gets what `run` gives, or what its promise does. */
export function measured<Result>(
  name: string,
  run: () => Result,
  check: (result: Awaited<Result>) => void | Promise<void>,
  operations = 1,
): Case {
  return { name, operations, run, check: check as Case['check'] };
}

/** Gives one value after the other, and begins again: the same again and again would stay in every cache. */
export function inTurn<Value>(values: readonly Value[]): () => Value {
  let at = -1;
  return () => {
    at = at + 1 === values.length ? 0 : at + 1;
    return values[at]!;
  };
}
