// A log reader that stops: a pipe into a collector that hangs, a terminal under Ctrl-S, a full disk.
// Harm: Node writes to pipes and terminals of stdout in a blocking way, so that one hanging collector stops the event
// loop, and with it everybody's logins; what does not block queues without end, until the kernel kills the process.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';

const WRITER = path.join(import.meta.dirname, 'stalled-writer.ts');
const LINES = 60_000;

interface Flooded {
  said: string;
  human: boolean;
  dropped: number;
  grown: number;
  longestTurn: number;
}

function canMakePipes(): boolean {
  try {
    execFileSync('mkfifo', ['--version'], { stdio: 'ignore' });
    return fs.existsSync('/proc/self/fd');
  } catch {
    return false;
  }
}

/** A real pipe, as `gatehouse | collector` has it: Node's own `stdio: 'pipe'` is a pair of sockets. */
function makePipe(): { reader: number; writer: number } & Disposable {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gatehouse-pipe-'));
  const file = path.join(folder, 'log');
  execFileSync('mkfifo', [file]);
  const reader = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const writer = fs.openSync(file, fs.constants.O_WRONLY);
  return { reader, writer, [Symbol.dispose]: () => fs.rmSync(folder, { recursive: true }) };
}

function start(t: TestContext, lines: number, stdout: number | 'pipe'): ChildProcess {
  const child = fork(WRITER, [String(lines)], { stdio: ['ignore', stdout, 'inherit', 'ipc'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function message<T>(child: ChildProcess): Promise<T> {
  const [said] = await once(child, 'message');
  return said as T;
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = await once(child, 'exit');
  return code as number | null;
}

function assertBounded(flooded: Flooded): void {
  assert.ok(flooded.dropped > LINES / 2, `only ${flooded.dropped} lines were dropped`);
  // 54 MB were logged. What V8 and the allocator keep of passing strings is allowed for.
  assert.ok(flooded.grown < 32 * 1024 * 1024, `the process grew by ${flooded.grown} bytes`);
  assert.ok(flooded.longestTurn < 1000, `a turn of the event loop took ${flooded.longestTurn} ms`);
}

function canMakeTerminals(): boolean {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
}

const unlessTerminal = canMakeTerminals() ? false : 'needs script of util-linux';
const unlessPipes = canMakePipes() ? false : 'needs mkfifo and /proc';

test('a pipe that nobody reads neither blocks nor grows the process, nor holds it at the end', {
  skip: unlessPipes,
}, async (t) => {
  using pipe = makePipe();
  const child = start(t, LINES, pipe.writer);
  fs.closeSync(pipe.writer);
  assertBounded(await message<Flooded>(child));
  child.send('close');
  const closed = await message<{ complete: boolean; ms: number }>(child);
  assert.equal(closed.complete, false);
  assert.ok(closed.ms < 2000);
  assert.equal(await exitCode(child), 0);
  fs.closeSync(pipe.reader);
});

test('when the reader goes on, the lines are whole, and what was lost is told to the line', {
  skip: unlessPipes,
}, async (t) => {
  using pipe = makePipe();
  const child = start(t, LINES, pipe.writer);
  fs.closeSync(pipe.writer);
  const flooded = await message<Flooded>(child);
  // 1. The reader wakes up.
  let text = '';
  const reader = new net.Socket({ fd: pipe.reader, readable: true, writable: false });
  reader.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  child.send('close');
  const closed = await message<{ complete: boolean }>(child);
  assert.equal(closed.complete, true);
  await once(reader, 'close');
  // 2. Every line parses: none was cut in two.
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; lines?: number; level: string });
  // 3. Lines that came out and lines that were lost are all that were written.
  const told = lines.filter(({ event }) => event === 'lines_dropped').reduce((sum, line) => sum + line.lines!, 0);
  assert.equal(told, flooded.dropped);
  assert.equal(lines.filter(({ event }) => event === 'flood').length + told, LINES);
  // 4. A grave line found room that lesser ones may not take.
  assert.equal(lines.filter(({ event }) => event === 'grave').length, 1);
});

test('a reader that goes away does not take the process with it', { skip: unlessPipes, timeout: 30_000 }, async (t) => {
  using pipe = makePipe();
  const child = start(t, LINES, pipe.writer);
  fs.closeSync(pipe.writer);
  await message<Flooded>(child);
  fs.closeSync(pipe.reader);
  child.send('more');
  assert.deepEqual(await message(child), { said: 'more' });
  child.send('close');
  assert.equal((await message<{ complete: boolean }>(child)).complete, false);
  assert.equal(await exitCode(child), 0);
});

test('the same holds for a socket as stdout, as systemd and Node give it', async (t) => {
  const child = start(t, LINES, 'pipe');
  assertBounded(await message<Flooded>(child));
  child.send('close');
  assert.equal((await message<{ complete: boolean }>(child)).complete, false);
  assert.equal(await exitCode(child), 0);
});

// Node 26.10 makes every terminal blocking (tty.WriteStream, lib/tty.js) and has no public way to undo it.
test('the same holds for a terminal that is stopped; lines on it are for people', {
  skip: unlessTerminal,
}, async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gatehouse-tty-'));
  const server = net.createServer().listen(path.join(folder, 'report'));
  await once(server, 'listening');
  const command = `${process.execPath} ${WRITER} ${LINES / 4} ${path.join(folder, 'report')}`;
  // `script` runs the command on a terminal and copies what comes out; nobody reads it, so the terminal fills up.
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => terminal.kill('SIGKILL'));
  const [connection] = (await once(server, 'connection')) as [net.Socket];
  let text = '';
  connection.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(connection, 'end');
  const [flooded, closed] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line)) as [Flooded, { complete: boolean }];
  assert.equal(flooded.human, true);
  assert.ok(flooded.dropped > 0);
  assert.ok(flooded.longestTurn < 1000, `a turn of the event loop took ${flooded.longestTurn} ms`);
  assert.equal(closed.complete, false);
  // Now somebody reads, and everything ends.
  let shown = '';
  terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
  });
  await once(terminal, 'close');
  assert.match(shown.slice(0, 200), /^\[\d\d:\d\d:\d\d\.\d{3}\] .*INFO/);
  server.close();
  fs.rmSync(folder, { recursive: true });
});

test('a full disk loses lines, not the process', {
  skip: fs.existsSync('/dev/full') ? false : 'needs /dev/full',
}, async (t) => {
  const full = fs.openSync('/dev/full', 'w');
  const child = start(t, 500, full);
  fs.closeSync(full);
  const flooded = await message<Flooded>(child);
  child.send('close');
  await message(child);
  assert.equal(await exitCode(child), 0);
  assert.ok(flooded.dropped > 0);
});

test('a line written just before process.exit comes out', async (t) => {
  const child = start(t, 0, 'pipe');
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(child, 'close');
  assert.equal(child.exitCode, 3);
  assert.equal(JSON.parse(text).event, 'last');
});

test('a file as stdout gets every line, behind what stands there already', async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gatehouse-file-'));
  const file = path.join(folder, 'log');
  fs.writeFileSync(file, 'before\n');
  const out = fs.openSync(file, 'a');
  const child = start(t, 200, out);
  fs.closeSync(out);
  assert.equal((await message<Flooded>(child)).dropped, 0);
  child.send('close');
  await message(child);
  await exitCode(child);
  const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.equal(lines[0], 'before');
  assert.equal(lines.length, 1 + 200 + 1);
  assert.equal(JSON.parse(lines.at(-1)!).event, 'grave');
  fs.rmSync(folder, { recursive: true });
});
