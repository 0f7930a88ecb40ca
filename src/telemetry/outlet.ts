import fs from 'node:fs';
import net from 'node:net';
import type { Writable } from 'node:stream';
import tty from 'node:tty';

/** How a write ended: so many bytes went out, or the chunk is lost, or nothing will ever go out again. */
export type Sent = number | 'lost' | 'gone';

/** Where log lines leave the process: writes that may wait, but never make the event loop wait. */
export interface Outlet {
  /** What is behind it is a terminal. */
  readonly terminal: boolean;
  /** Writes; the chunk belongs to the outlet until `done` is called, once. One write at a time. */
  write(chunk: Uint8Array, done: (sent: Sent) => void): void;
  /** Writes what fits at once, for the last moment of the process; the number of bytes that went out. */
  writeNow(chunk: Uint8Array): number;
  /** Lets go; with `stuck` a write that waits is given up, so that it does not hold the process. */
  release(stuck: boolean): void;
}

/** The outlet of a stream that somebody else owns and ends. */
export function streamOutlet(stream: Writable): Outlet {
  let waiting: ((sent: Sent) => void) | undefined;
  let gone = false;
  const end = (sent: Sent): void => {
    const done = waiting;
    waiting = undefined;
    done?.(sent);
  };
  // EPIPE and the like. A stream that is destroyed forgets the callbacks of its writes: so both are watched.
  const lost = (): void => {
    gone = true;
    end('gone');
  };
  stream.on('error', lost);
  stream.on('close', lost);
  return {
    terminal: false,
    write(chunk, done) {
      if (gone) return done('gone');
      waiting = done;
      stream.write(chunk, (error) => end(error ? 'gone' : chunk.length));
    },
    writeNow: () => 0,
    release() {},
  };
}

/** A regular file, or a device without waiting: errors such as ENOSPC pass, so later writes are tried again. */
function fileOutlet(fd: number): Outlet {
  return {
    terminal: false,
    write: (chunk, done) => fs.write(fd, chunk, (error, written) => done(error ? 'lost' : written)),
    writeNow: (chunk) => writeAtOnce(fd, chunk),
    release() {},
  };
}

function writeAtOnce(fd: number, chunk: Uint8Array): number {
  try {
    return fs.writeSync(fd, chunk);
  } catch {
    return 0; // EAGAIN: nobody reads; EPIPE: nobody will
  }
}

/**
 * The pipe behind a file descriptor, opened once more. O_NONBLOCK belongs to the open file description, which stdout
 * shares with whoever started us, and `process.stdout` of Node clears it again; a description of our own is nobody
 * else's. Not possible everywhere: then the descriptor itself is used.
 */
function reopened(fd: number): number | undefined {
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

function pipeOutlet(fd: number, isFifo: boolean): Outlet {
  const own = isFifo ? reopened(fd) : undefined;
  // Node makes a pipe of process.stdout or stderr blocking when it is first used: let that happen before, not after.
  if (own === undefined && fd === 1) void process.stdout;
  if (own === undefined && fd === 2) void process.stderr;
  const stream = new net.Socket({ fd: own ?? fd, readable: false, writable: true });
  return {
    ...streamOutlet(stream),
    writeNow: (chunk) => writeAtOnce(own ?? fd, chunk),
    // The descriptor that we were given is closed only if there is no other way to end a write that waits.
    release: (stuck) => void ((stuck || own !== undefined) && stream.destroy()),
  };
}

function terminalOutlet(fd: number): Outlet {
  const stream = new tty.WriteStream(fd);
  // Ctrl-S stops a terminal. Node 26.10 makes terminals blocking and has no public way to undo it.
  (stream as { _handle?: { setBlocking?(on: boolean): void } })._handle?.setBlocking?.(false);
  return {
    ...streamOutlet(stream),
    terminal: true,
    writeNow: (chunk) => writeAtOnce(fd, chunk),
    release: (stuck) => void (stuck && stream.destroy()),
  };
}

/** The outlet of a file descriptor: pipe, socket, terminal or file. */
export function openOutlet(fd: number): Outlet {
  const kind = fs.fstatSync(fd);
  if (kind.isFIFO() || kind.isSocket()) return pipeOutlet(fd, kind.isFIFO());
  return tty.isatty(fd) ? terminalOutlet(fd) : fileOutlet(fd);
}
