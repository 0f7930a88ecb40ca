/**
 * The members of a comma-separated field, taken from its right end as an array gives them: `listMembers` without those
 * that nobody asks for.
 */

import { listMembers } from '../core/headers.ts';

const COMMA = 0x2c;

/** One list, taken member by member from its end. */
export class ListFromRight {
  readonly #text: string;
  /** What stands left of it was not taken yet. */
  #end: number;

  constructor(text: string) {
    this.#text = text;
    this.#end = text.length;
  }

  /** The rightmost member that was not taken yet, trimmed; undefined where there is none. */
  pop(): string | undefined {
    while (this.#end > 0) {
      let begin = this.#end;
      while (begin > 0 && this.#text.charCodeAt(begin - 1) !== COMMA) begin -= 1;
      const member = this.#text.slice(begin, this.#end).trim();
      this.#end = begin - 1;
      if (member !== '') return member;
    }
    return undefined;
  }

  /** How many are left. They are counted: it is for who has to name a place. */
  get length(): number {
    return listMembers(this.#text.slice(0, Math.max(0, this.#end))).length;
  }
}
