/** The command line as results keep it and reports show it: to be run again, and without secrets. */

/** The arguments after the program's, without the values of headers, which may be tokens; also of `gatehouse bench`. */
export function shownArguments(args: readonly string[]): string[] {
  const own = args[0] === 'bench' ? args.slice(1) : args;
  return own.map((arg, index) => {
    if (own[index - 1] === '--header') return arg.replace(/:.*/s, ':…');
    return arg.replace(/^(--header=[^:]*):.*/s, '$1:…');
  });
}

/** A command as a POSIX shell takes it: what means something there is in quotes. */
export function shownCommand(program: string, args: readonly string[]): string {
  return [program, ...args.map(quoted)].join(' ');
}

function quoted(arg: string): string {
  return /^[\w./:=,@%+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`;
}
