/** `gatehouse status`: how the running gateway is, for people or in JSON. */

import { askAdmin } from './admin-client.ts';
import type { Status, ThreadStatus, UpstreamSummary } from './status.ts';

/** Asks the admin listener of the config and prints its answer; the exit code is 0 where the gateway is ready, else 1. */
export async function statusCommand(file: string, { json }: { readonly json: boolean }): Promise<number> {
  const text = await askAdmin(file, { method: 'GET', path: '/status' });
  const status = JSON.parse(text) as Status;
  process.stdout.write(json ? text : statusText(status));
  return status.ready ? 0 : 1;
}

/** The status in lines for people. */
export function statusText({ version, node, pid, since, ready, details, generation, ...rest }: Status): string {
  const { threads, upstreams, acme } = rest;
  const lines = [
    `Gatehouse ${version}, Node ${node}, pid ${pid}, since ${since}, generation ${generation}`,
    '',
    ready ? 'ready' : `not ready: ${why(details)}`,
    ...strings(details.warnings).map((warning) => `warning: ${warning}`),
    ...strings(details.rejected_reload).map((problem) => `the config on disk was refused: ${problem}`),
    '',
    'Threads',
    ...threads.map(threadLine),
    '',
    'Upstreams',
    ...upstreams.flatMap(upstreamLines),
    ...(acme.length > 0 ? ['', 'ACME'] : []),
    ...acme.map(({ names, state, next, problem }) =>
      ['  ', names.join(', '), ': ', state, next && `, next ${next}`, problem && `, ${problem}`]
        .filter((part) => part !== undefined)
        .join(''),
    ),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function why(details: Status['details']): string {
  if (details.draining === true) return 'it drains';
  if (details.listeners_bound === false) return 'a listener is not bound';
  if (details.upstreams_checked === false) return 'the first checks of the upstreams are under way';
  const unreachable = strings(details.unreachable_upstreams);
  if (unreachable.length > 0) return `no endpoint answers of ${unreachable.join(', ')}`;
  return 'no worker serves';
}

function threadLine(thread: ThreadStatus): string {
  const { worker, state, connections, in_flight: inFlight, restarts, last_loss: loss, silent_s: silent } = thread;
  const { event_loop_delay_ms: delay, refused_priorities: refused = [], memory_percent: memory } = thread;
  const parts = [
    `  ${worker === 'main' ? 'main' : `worker ${worker}`}: ${state}`,
    `${connections} connections`,
    `${inFlight} requests`,
    ...(delay === undefined ? [] : [`event loop ${delay} ms late`, `memory ${memory} %`]),
    ...(thread.memory_short === true ? ['memory is short'] : []),
    ...(refused.length > 0 ? [`refuses ${refused.join(', ')}`] : []),
    // One is on its way as a rule.
    ...(silent > 1 ? [`silent for ${silent} s`] : []),
    ...(restarts > 0 ? [`lost ${restarts} times, the last ${loss?.at}: ${loss?.problem}`] : []),
  ];
  return parts.join(', ');
}

function upstreamLines({ name, endpoints, used, panic, in_flight: inFlight, unwell, concurrency }: UpstreamSummary) {
  const limit = concurrency && `, ${concurrency.waiting} of ${concurrency.limit} wait for an answer`;
  return [
    `  ${name}: ${used} of ${endpoints} endpoints used${panic ? ' in panic' : ''}, ${inFlight} requests${limit ?? ''}`,
    ...unwell.map(
      ({ endpoint, state, reason }) => `    ${endpoint} ${state}${reason === undefined ? '' : `: ${reason}`}`,
    ),
  ];
}

function strings(value: unknown): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

/** Reasons may quote what others sent: nothing in them may move the cursor of a terminal. */
function printable(line: string): string {
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
