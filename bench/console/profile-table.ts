/** What a CPU profile of V8 says of a span of time: by place, by function alone, by function with all it calls. */

/** A profile as `--cpu-prof` writes it. */
export interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  /** On the clock of `process.hrtime`, in microseconds. */
  readonly startTime: number;
}

interface ProfileNode {
  readonly id: number;
  readonly children?: readonly number[];
  readonly callFrame: CallFrame;
}

/** A function of a profile; lines count from 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** A span on the clock of the profile, in microseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const SHOWN = 30;

/** Where a function stands: a folder of the gateway, a package, a module of Node. */
export function framePlace({ functionName, url }: CallFrame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  const own = /\/(src\/[^/]+)\//.exec(url);
  const packaged = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url);
  if (packaged !== null) return packaged[1]!;
  return own?.[1] ?? url.replace(/^node:internal\/([^/]+).*$/, 'node:$1');
}

/** Its name, file and line. */
export function frameName({ functionName, url, lineNumber }: CallFrame): string {
  const short = url.replace(/^.*\/(?=src\/|node_modules\/)/, '');
  return `${functionName || '(anonymous)'} ${short}${short === '' ? '' : `:${lineNumber + 1}`}`;
}

/** Three tables, in percent of the time that was not idle; `answers` makes microseconds an answer of it. */
export function profileTables(profile: Profile, { from, to }: Span, answers: number): string[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const [places, alone, whole] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  const add = (to: Map<string, number>, name: string, micros: number): void =>
    void to.set(name, (to.get(name) ?? 0) + micros);
  let [busy, now] = [0, profile.startTime];
  for (const [at, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[at] ?? 0;
    now += delta;
    const node = nodes.get(id)!;
    if (now < from || now > to || node.callFrame.functionName === '(idle)') continue;
    busy += delta;
    add(places, framePlace(node.callFrame), delta);
    add(alone, frameName(node.callFrame), delta);
    const seen = new Set<string>();
    for (let up: number | undefined = id; up !== undefined; up = parents.get(up))
      seen.add(frameName(nodes.get(up)!.callFrame));
    for (const name of seen) add(whole, name, delta);
  }
  const each = (micros: number): string => `${(micros / answers).toFixed(2).padStart(7)} µs`;
  return [
    ...shareTable('By place', places, busy, each),
    ...shareTable('By function, alone', alone, busy, each),
    ...shareTable('By function, with what it calls', whole, busy, each),
  ];
}

/** The largest of them, in percent of all, each also as `each` says it. */
export function shareTable(
  title: string,
  of: ReadonlyMap<string, number>,
  all: number,
  each: (value: number) => string,
): string[] {
  const largest = [...of].toSorted((a, b) => b[1] - a[1]).slice(0, SHOWN);
  const line = ([name, value]: [string, number]): string =>
    `${((value / all) * 100).toFixed(1).padStart(5)} %  ${each(value)}  ${name}`;
  return ['', title, ...largest.map(line)];
}
