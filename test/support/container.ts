/** Runs what an image would run, with nothing of this machine's environment. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Image } from './image.ts';
import { type StartedProcess, startProcess } from './started-process.ts';

export interface Container {
  readonly image: Image;
  /** Over the environment of the image, as `docker run --env` lays it. */
  readonly env?: Readonly<Record<string, string>>;
  /** In place of CMD. */
  readonly command?: readonly string[];
}

/** Paths of the image that the environment names, as paths of this machine. */
function environment({ image, env }: Container): Record<string, string> {
  const all = { ...image.env, ...env };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [name, value.startsWith('/') ? image.inside(value) : value]),
  );
}

function runInside(container: Container, [program, ...args]: readonly string[]): StartedProcess {
  const { image } = container;
  if (program !== 'node') throw new Error(`the image runs ${program}: expected node, and no shell`);
  return startProcess(process.execPath, args, { cwd: image.inside(image.workdir), env: environment(container) });
}

/** `docker run IMAGE [COMMAND]`. */
export function runContainer(container: Container): StartedProcess {
  const { image, command = image.command } = container;
  return runInside(container, [...image.entrypoint, ...command]);
}

/** The command of HEALTHCHECK, in the same container. */
export function runHealthCheck(container: Container): StartedProcess {
  return runInside(container, container.image.health);
}

/** `docker run --volume`: puts a file where the image expects it. */
export function mount(image: Image, path: string, text: string): void {
  mkdirSync(dirname(image.inside(path)), { recursive: true });
  writeFileSync(image.inside(path), text);
}
