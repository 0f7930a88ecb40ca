/** ghz, which is grpc-go: unary calls of gRPC over HTTP/2. It looks at statuses; messages are empty to it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NotedAnswer, runForeign } from './foreign-run.ts';
import type { Task, Tool } from './tool.ts';

/** What grpc-go says by itself, or not at all. */
const OWN_FIELDS = ['content-type', 'te', 'user-agent', 'content-length'];
/** The flag of compression and the length, before a message. */
const PREFIX_BYTES = 5;

/** ghz at a path. */
export function ghzAt(path: string): Tool {
  return {
    name: 'ghz',
    unable({ request: { expectation, path: rpc } }) {
      if (expectation.form !== 'grpc') return 'ghz speaks gRPC only';
      if (expectation.messages !== 1 || expectation.grpcStatus !== '0')
        return 'only unary calls that succeed are compared';
      return rpcOf(rpc) === undefined ? `${rpc} is no /package.Service/Method` : undefined;
    },
    async run(task) {
      const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ghz-'));
      try {
        const [proto, message] = [join(folder, 'service.proto'), join(folder, 'message')];
        writeFileSync(proto, protoFor(task.request.path));
        writeFileSync(message, task.request.body!.subarray(PREFIX_BYTES));
        return await runForeign(
          { path, args: (seconds) => ghzArguments(task, seconds, { proto, message }), noted: readReport },
          task,
        );
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function rpcOf(path: string): [namespace: string, service: string, method: string] | undefined {
  const found = /^\/((?:\w+\.)*\w+)\.(\w+)\/(\w+)$/.exec(path);
  return found === null ? undefined : [found[1]!, found[2]!, found[3]!];
}

/** A service with this one method. Fields that are not declared are kept as they are, so that none is needed. */
export function protoFor(path: string): string {
  const rpc = rpcOf(path);
  if (rpc === undefined) throw new Error(`expected /package.Service/Method, got '${path}'`);
  const [namespace, service, method] = rpc;
  const body = `service ${service} { rpc ${method}(Message) returns (Message); }`;
  return `syntax = "proto3";\npackage ${namespace};\nmessage Message {}\n${body}\n`;
}

/** Its command line. `message` is a file with the message as bytes. */
export function ghzArguments(task: Task, seconds: number, files: { proto: string; message: string }): string[] {
  const { target, request, connections, streams, threads } = task;
  const metadata: Record<string, string> = {};
  for (let i = 0; i < request.fields.length; i += 2) {
    if (!OWN_FIELDS.includes(request.fields[i]!)) metadata[request.fields[i]!] = request.fields[i + 1]!;
  }
  const empty = request.body!.length === PREFIX_BYTES;
  return [
    `--connections=${connections}`,
    `--concurrency=${connections * streams}`,
    `--duration=${seconds}s`,
    // Calls that the end cut off are no errors.
    '--duration-stop=ignore',
    `--cpus=${threads}`,
    '--disable-template-functions',
    '--disable-template-data',
    `--proto=${files.proto}`,
    `--call=${request.path.slice(1)}`,
    ...(empty ? ['--data={}'] : [`--binary-file=${files.message}`]),
    `--metadata=${JSON.stringify(metadata)}`,
    '--format=json',
    target.tls ? '--skipTLS' : '--insecure',
    `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`,
  ];
}

interface Report {
  readonly details?: readonly { readonly timestamp: string; readonly latency: number; readonly status: string }[];
}

/** Reads its report in JSON: the end of each call and how long it took, in nanoseconds. Throws where there is none. */
export function readReport(stdout: string): NotedAnswer[] {
  let report: Report;
  try {
    report = JSON.parse(stdout) as Report;
  } catch {
    throw new Error(`ghz: expected a report in JSON, got '${stdout.slice(0, 200)}'`);
  }
  if (!Array.isArray(report?.details)) throw new Error('ghz: expected a report with details');
  return (report.details as NonNullable<Report['details']>).map((detail) => {
    const endedAt = Date.parse(detail?.timestamp);
    if (Number.isNaN(endedAt) || !Number.isFinite(detail.latency)) {
      throw new Error(`ghz: expected timestamp and latency, got '${JSON.stringify(detail)?.slice(0, 80)}'`);
    }
    return { endedAt, latencyMs: detail.latency / 1e6, right: detail.status === 'OK' };
  });
}
