/** Numbers that look random and are the same in every run (xorshift32). */
export class Sequence {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** A whole number from 0 to below the limit. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

const NOUNS = (
  'user org project grant action policy member domain event instance session token key metadata role idp login ' +
  'password factor email phone avatar quota milestone feature setting label text page list table form field button ' +
  'dialog route guard service module component directive pipe template style theme icon'
).split(' ');
const VERBS = 'get set add remove update list create delete load save open close show hide parse render select'.split(
  ' ',
);
const EVENTS = ['click', 'change', 'submit', 'input', 'closed', 'selected'];

/**
 * Text of about the size that reads like the output of an Angular build: minified functions over ɵɵ-instructions, which
 * gzip makes about four times smaller. It is valid, defines functions in an array `$` of its scope and calls none.
 */
export function pseudoScript(seed: number, bytes: number): string {
  const sequence = new Sequence(seed);
  const parts: string[] = [];
  let length = 0;
  while (length < bytes) {
    const part = sequence.below(5) === 0 ? literals(sequence) : component(sequence);
    parts.push(part);
    length += part.length;
  }
  return parts.join('');
}

function name(sequence: Sequence): string {
  const noun = sequence.pick(NOUNS);
  return (
    sequence.pick(VERBS) + noun[0]!.toUpperCase() + noun.slice(1) + (sequence.below(3) === 0 ? sequence.below(99) : '')
  );
}

/** A name as minifiers give it; the upper case keeps it from being a reserved word. */
function short(sequence: Sequence): string {
  return 'abcdefghijklmnopqrstuvwxyz'[sequence.below(26)]! + 'ABCDEFGHIJKLMNOPQRSTUVWXYZ_$'[sequence.below(28)];
}

function component(sequence: Sequence): string {
  const lines: string[] = [];
  for (let i = 2 + sequence.below(5); i > 0; i -= 1) {
    const slot = sequence.below(40);
    const noun = sequence.pick(NOUNS);
    switch (sequence.below(5)) {
      case 0:
        lines.push(`n.j41(${slot},"div",${sequence.below(60)})(${slot + 1},"${noun}-${sequence.pick(NOUNS)}")`);
        break;
      case 1:
        lines.push(`n.bIt("${sequence.pick(EVENTS)}",function(){return e.${name(sequence)}(${short(sequence)})})`);
        break;
      case 2:
        lines.push(`n.Y8G("ngIf",e.${noun}$.${name(sequence)}(${sequence.below(4000)}))`);
        break;
      case 3:
        lines.push(
          `n.JRh(n.bMT(${slot},${sequence.below(9)},"${sequence.pick(NOUNS).toUpperCase()}.${noun.toUpperCase()}"))`,
        );
        break;
      default:
        lines.push(
          `${short(sequence)}=this.${noun}Service.${name(sequence)}(${short(sequence)},${sequence.below(1 << 16)})`,
        );
    }
  }
  return `$.push(function(n,e,${short(sequence)}){if(1&n){${lines.join(';')}}return"${sequence.pick(NOUNS)}"});`;
}

function literals(sequence: Sequence): string {
  const values: string[] = [];
  for (let i = 3 + sequence.below(6); i > 0; i -= 1) {
    values.push(`${name(sequence)}:"${sequence.below(1 << 20).toString(16)}${sequence.pick(NOUNS)}"`);
  }
  return `$.push(function(){return{${values.join(',')}}});`;
}
