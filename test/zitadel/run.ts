/** Asks a deployment row by row, over both protocols, one question at a time. */

import type { Surroundings } from './check.ts';
import type { Row } from './matrix.ts';
import { type Answer, hostOf, PROTOCOLS, type Protocol, type Talker, type Target, talker } from './talker.ts';

/** How a row went over one protocol. */
export interface Result {
  readonly group: string;
  readonly id: string;
  readonly title: string;
  readonly protocol: Protocol;
  readonly outcome: 'pass' | 'fail' | 'skipped';
  /** Why it failed or was skipped. */
  readonly detail?: string;
  readonly ms: number;
}

/** What was found out on the way, for whoever reads a report. */
export interface Findings {
  /** The socket by protocol: `TLSv1.3, ALPN h2`. */
  readonly sockets: Partial<Record<Protocol, string>>;
  /** `server` of an answer. */
  readonly server: string | undefined;
  readonly issuer: string | undefined;
}

export interface Run {
  readonly results: readonly Result[];
  readonly findings: Findings;
}

const MAX_REDIRECTS = 5;

/** Runs groups of rows, by name, and tells each result as it comes. Nothing runs after the time is over. */
export async function run(
  target: Target,
  groups: Readonly<Record<string, readonly Row[]>>,
  { signal, onResult = () => {} }: { signal?: AbortSignal; onResult?: (result: Result) => void } = {},
): Promise<Run> {
  const talkers = PROTOCOLS.map((protocol) => talker(protocol, target));
  try {
    const { issuer, server } = await baseline(talkers);
    const results: Result[] = [];
    for (const [group, rows] of Object.entries(groups)) {
      for (const row of rows) {
        for (const one of talkers) {
          if (!row.over.includes(one.protocol)) continue;
          const around = { protocol: one.protocol, host: hostOf(target), scheme: new URL(target.url).protocol, issuer };
          const began = performance.now();
          const said = signal?.aborted ? { detail: 'not run: the time was over' } : await judge(row, one, around);
          const ms = Math.round(performance.now() - began);
          const result = {
            group,
            id: row.id,
            title: row.title,
            protocol: one.protocol,
            outcome: 'fail',
            ms,
            ...said,
          } as const;
          results.push(result);
          onResult(result);
        }
      }
    }
    const sockets = Object.fromEntries(talkers.flatMap(({ protocol, socket }) => (socket ? [[protocol, socket]] : [])));
    return { results, findings: { sockets, server, issuer } };
  } finally {
    for (const one of talkers) one[Symbol.dispose]();
  }
}

/** What a row came to: it failed unless it says otherwise. */
async function judge(
  row: Row,
  one: Talker,
  around: Surroundings,
): Promise<Partial<Pick<Result, 'outcome' | 'detail'>>> {
  let answer: Answer;
  try {
    answer = await one.ask(row.ask);
    if (row.follow) answer = await followed(one, row, answer, around);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    // Only where the deployment has answered before: a name that nobody serves breaks everything.
    const refused = row.mayBreak && one.socket !== undefined && !detail.startsWith('no whole answer');
    return refused ? { outcome: 'pass' } : { detail };
  }
  const wrong = row.expect.flatMap((check) => check(answer, around) ?? []);
  if (wrong.length === 0) return { outcome: 'pass' };
  if (row.absent?.when(answer)) return { outcome: 'skipped', detail: row.absent.why };
  return { detail: wrong[0]! };
}

async function followed(one: Talker, row: Row, first: Answer, around: Surroundings): Promise<Answer> {
  const base = `${around.scheme}//${around.host}`;
  let path = row.ask.path;
  let answer = first;
  for (let i = 0; i < MAX_REDIRECTS && answer.status >= 300 && answer.status < 400; i += 1) {
    const next = new URL(answer.headers.location ?? '', new URL(path, base));
    if (next.host !== around.host) throw new Error(`redirected to ${next.origin}, which is another host`);
    path = next.pathname + next.search;
    answer = await one.ask({ ...row.ask, path });
  }
  return answer;
}

/** The issuer by whichever protocol works. */
async function baseline(
  talkers: readonly Talker[],
): Promise<{ issuer: string | undefined; server: string | undefined }> {
  for (const one of talkers) {
    try {
      const { body, headers } = await one.ask({ path: '/.well-known/openid-configuration' });
      const { issuer } = JSON.parse(body.toString()) as { issuer?: string };
      if (issuer !== undefined) return { issuer, server: headers.server?.toString() };
    } catch {
      // The rows will say what is wrong.
    }
  }
  return { issuer: undefined, server: undefined };
}
