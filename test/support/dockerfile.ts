/** A Dockerfile as a list of instructions; what ours does not use is an error, so that nothing is passed over. */

/** One instruction, its flags apart. */
export interface Instruction {
  readonly name: string;
  /** `--from=x` as `from: x`. */
  readonly flags: Readonly<Record<string, string>>;
  /** The words of the exec form, or what stands there. */
  readonly value: readonly string[] | string;
  readonly line: number;
}

const KNOWN = new Set([
  ...['FROM', 'ARG', 'LABEL', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'EXPOSE', 'STOPSIGNAL', 'HEALTHCHECK'],
  ...['ENTRYPOINT', 'CMD'],
]);

function instructionOf(text: string, line: number): Instruction {
  const [, name, rest] = /^(\w+)\s+(.*)$/s.exec(text) ?? [];
  if (name === undefined || !KNOWN.has(name)) throw new Error(`Dockerfile:${line}: cannot replay ${text}`);
  const flags: Record<string, string> = {};
  let value = rest!.trim();
  for (let match = /^--([a-z-]+)=(\S+)\s+/.exec(value); match !== null; match = /^--([a-z-]+)=(\S+)\s+/.exec(value)) {
    flags[match[1]!] = match[2]!;
    value = value.slice(match[0].length);
  }
  return { name, flags, value: value.startsWith('[') ? (JSON.parse(value) as string[]) : value, line };
}

/** Reads the instructions in their order. */
export function parseDockerfile(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  let pending = '';
  let begun = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (pending === '') begun = index + 1;
    pending += line.endsWith('\\') ? `${line.slice(0, -1).trim()} ` : line;
    if (line.endsWith('\\')) continue;
    instructions.push(instructionOf(pending, begun));
    pending = '';
  }
  return instructions;
}

/** `KEY=value` and `KEY="a value"`, several in a row. */
export function pairs(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, key, quoted, plain] of text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)) found[key!] = quoted ?? plain!;
  return found;
}

/** Puts the values of ARG and ENV in the place of `$NAME` and `${NAME}`. */
export function expand(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => values[braced ?? bare!] ?? '');
}
