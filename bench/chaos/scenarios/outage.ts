import { PAGES } from '../callers.ts';
import { atMost, none, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';
import type { Outcome } from '../tally.ts';

/** What a caller of each kind reads when nothing answers. */
const SAID: Readonly<Record<string, RegExp>> = {
  rest: /^status 50[234]: \{.*"code"/,
  'rest-post': /^status 50[234]: \{.*"code"/,
  grpc: /^grpc-status 14,/,
  'grpc-write': /^grpc-status 14,/,
  'grpc-stream': /^grpc-status 14,/,
  'grpc-web': /^\[unavailable\]/,
};

/** All pods are gone, and come back. */
export const outage: Scenario = {
  name: 'outage',
  what: 'All pods are gone and come back; Console, discovery and keys are stale by then',
  async run(pace) {
    await using stage = await Stage.open(pace);
    // So that what is stored is stale at once, in place of minutes or a week later.
    const cache = { max_ttl_s: 1, stale_while_revalidate_s: 0 };
    const classes = { asset: { cache }, discovery: { cache } };
    const load = await stage.load(await stage.gateway(stage.config({}, { classes })));
    await load.during('calm', pace.phaseMs);
    load.phase = 'going';
    await Promise.all(stage.pods.map((pod) => pod.end('SIGKILL')));
    await load.run(2 * pace.checkMs);
    await load.during('gone', 2 * pace.phaseMs);
    load.phase = 'coming back';
    const [first, ...others] = stage.pods;
    await first!.start();
    const readyAt = await first!.ready();
    await load.run(1000);
    await Promise.all(others.map((pod) => pod.start()));
    await load.run(pace.checkMs);
    await load.during('back', pace.phaseMs);
    const tally = await load.stop();

    const gone = tally.outcomes.filter(({ phase }) => phase === 'gone');
    const pages = gone.filter(({ kind }) => kind === 'console');
    const failed = gone.filter(({ kind }) => kind !== 'console');
    const wrong = failed.filter(({ kind, failure }) => failure === undefined || !SAID[kind]!.test(failure));
    const times = failed.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const recovered = firstAnswer(tally.outcomes, readyAt) - readyAt;
    const { doubled } = stage.arrivals;
    return {
      tally,
      doubled,
      claims: [
        none(
          `of ${pages.length} requests for ${PAGES.join(', ')} that failed`,
          pages.filter(({ failure }) => failure).length,
        ),
        none(`of ${failed.length} others, not failed in the caller's dialect`, wrong.length),
        {
          ...atMost('99 of 100 errors come within', times[Math.floor(times.length * 0.99)] ?? 0, 250, ' ms'),
          timing: true,
        },
        { ...atMost('first answer after a pod was ready', Math.round(recovered), 1000, ' ms'), timing: true },
        none('failed when all were back', tally.row('back').failed),
        none('requests that came twice', doubled.length),
      ],
      numbers: { ...(wrong.length > 0 && { wrong: tally.reasons(wrong).join('; ') }) },
    };
  },
};

/** When the first request that the cache cannot answer was answered after a time. */
function firstAnswer(outcomes: readonly Outcome[], since: number): number {
  const ends = outcomes
    .filter(({ kind, failure, at, ms }) => kind !== 'console' && failure === undefined && at + ms > since)
    .map(({ at, ms }) => at + ms);
  return Math.min(...ends);
}
