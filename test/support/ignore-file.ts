/** A .dockerignore as the builder of Docker reads it: the last pattern that matches decides, `!` takes back in. */

interface Pattern {
  readonly exclude: boolean;
  readonly matches: RegExp;
}

/** Go's filepath.Match with `**`, which stands for any number of folders. */
function patternOf(line: string): Pattern {
  const exclude = !line.startsWith('!');
  const path = line.replace(/^!/, '').trim().replace(/^\/+/, '').replace(/\/+$/, '');
  let source = '';
  for (let i = 0; i < path.length; i += 1) {
    if (path.startsWith('**/', i)) {
      source += '(?:.*/)?';
      i += 2;
    } else if (path.startsWith('**', i)) {
      source += '.*';
      i += 1;
    } else if (path[i] === '*') source += '[^/]*';
    else if (path[i] === '?') source += '[^/]';
    else source += path[i]!.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  }
  return { exclude, matches: new RegExp(`^${source}$`) };
}

/** Tells whether a file of the context, `/`-separated and relative, stays out of it. */
export function ignoredBy(text: string): (path: string) => boolean {
  const patterns = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(patternOf);
  return (path) => {
    const steps = path.split('/');
    // A pattern that names a folder holds for all below it.
    const paths = steps.map((_, index) => steps.slice(0, index + 1).join('/'));
    let ignored = false;
    for (const { exclude, matches } of patterns) if (paths.some((one) => matches.test(one))) ignored = exclude;
    return ignored;
  };
}
