/** h2load of nghttp2: HTTP/2 and HTTP/1.1. It looks at statuses, not at bodies and not at what gRPC says. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlannedRequest } from '../load/plan.ts';
import { type NotedAnswer, runForeign } from './foreign-run.ts';
import type { Task, Tool } from './tool.ts';

/** h2load at a path. */
export function h2loadAt(path: string): Tool {
  return {
    name: 'h2load',
    unable({ request, target }) {
      if (request.path.includes('{n}')) return 'h2load asks for the same paths always';
      const special = request.method !== 'GET' && !hasBody(request);
      return special && target.protocol === 'http/1.1' ? 'h2load has no method for HTTP/1.1' : undefined;
    },
    async run(task) {
      const folder = mkdtempSync(join(tmpdir(), 'gatehouse-h2load-'));
      try {
        const [log, body] = [join(folder, 'answers.tsv'), join(folder, 'body')];
        if (hasBody(task.request)) writeFileSync(body, task.request.body!);
        const noted = async (): Promise<NotedAnswer[]> =>
          readAnswerLog(await readFile(log, 'latin1'), task.request.expectation.statuses);
        return await runForeign(
          { path, args: (seconds) => h2loadArguments(task, seconds, { log, body }), noted },
          task,
        );
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Its command line. `body` is a file with the body, read where the request has one. */
export function h2loadArguments(task: Task, seconds: number, { log, body }: { log: string; body: string }): string[] {
  const { target, request, connections, streams, threads } = task;
  const args = ['-c', connections, '-m', streams, '-t', Math.min(threads, connections), '-D', seconds].map(String);
  args.push(`--log-file=${log}`);
  if (target.protocol === 'http/1.1') args.push('--h1');
  if (hasBody(request)) args.push('-d', body);
  // It cannot read an empty file.
  else if (request.method !== 'GET') args.push('-H', `:method: ${request.method}`);
  for (let i = 0; i < request.fields.length; i += 2) {
    // It counts a body itself.
    if (request.fields[i] !== 'content-length' || !hasBody(request))
      args.push('-H', `${request.fields[i]}: ${request.fields[i + 1]}`);
  }
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  args.push(`${target.tls ? 'https' : 'http'}://${host}:${target.port}${request.path}`);
  return args;
}

function hasBody({ body }: PlannedRequest): boolean {
  return body !== undefined && body.length > 0;
}

/** Reads its log: begin in microseconds since 1970, status, microseconds to the end. Throws where a line is none. */
export function readAnswerLog(text: string, statuses: readonly number[]): NotedAnswer[] {
  const answers: NotedAnswer[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [begin, status, micros] = line.split('\t').map(Number);
    if (![begin, status, micros].every(Number.isFinite)) {
      throw new Error(`h2load: expected begin, status and microseconds, got '${line.slice(0, 80)}'`);
    }
    answers.push({
      endedAt: (begin! + micros!) / 1000,
      latencyMs: micros! / 1000,
      right: statuses.includes(status!),
    });
  }
  return answers;
}
