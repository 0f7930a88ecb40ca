/** An image made without a container engine: the COPY and RUN of a Dockerfile, replayed in scratch folders. */

import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, posix, relative } from 'node:path';
import { expand, type Instruction, pairs, parseDockerfile } from './dockerfile.ts';
import { ignoredBy } from './ignore-file.ts';

/** Runs the shell form of a RUN; throws when it fails. */
export type Run = (command: string, place: { cwd: string; env: Readonly<Record<string, string>> }) => void;

/** A stage of the build; the last one is the image. */
export interface Image extends Disposable {
  readonly base: string;
  /** The folder that stands for `/`. */
  readonly root: string;
  workdir: string;
  user: string;
  stopSignal: string;
  readonly env: Record<string, string>;
  readonly labels: Record<string, string>;
  readonly exposed: string[];
  entrypoint: readonly string[];
  command: readonly string[];
  health: readonly string[];
  /** A path of the image as one of this machine. */
  inside(path: string): string;
}

export interface Build {
  readonly context: string;
  readonly run: Run;
  /** In place of the files in the context. */
  readonly dockerfile?: string;
  readonly ignore?: string;
}

/** Replays a Dockerfile to its last stage. */
export function buildImage({ context, run, ...texts }: Build): Image {
  const dockerfile = texts.dockerfile ?? readFileSync(join(context, 'Dockerfile'), 'utf8');
  const ignored = ignoredBy(texts.ignore ?? readFileSync(join(context, '.dockerignore'), 'utf8'));
  const scratch = mkdtempSync(join(tmpdir(), 'gatehouse-image-'));
  const args: Record<string, string> = {};
  const stages = new Map<string, Image>();
  let stage: Image | undefined;
  try {
    for (const instruction of parseDockerfile(dockerfile)) {
      const { name, value, line } = instruction;
      if (name === 'ARG') {
        const [key, given = ''] = String(value).split('=', 2);
        args[key!] ??= given;
      } else if (name === 'FROM') {
        const [base, , alias = `stage-${stages.size}`] = expand(String(value), args).split(/\s+/);
        stage = newStage(base!, join(scratch, alias), () => rmSync(scratch, { recursive: true, force: true }));
        stages.set(alias, stage);
      } else if (stage === undefined) throw new Error(`Dockerfile:${line}: ${name} before FROM`);
      else if (name === 'COPY') copy(instruction, stage, stages, context, ignored);
      else if (name === 'RUN') run(shellForm(instruction), { cwd: stage.inside(stage.workdir), env: stage.env });
      else settle(instruction, stage, args);
    }
    if (stage === undefined) throw new Error('Dockerfile: no FROM');
    return stage;
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    throw error;
  }
}

function newStage(base: string, root: string, dispose: () => void): Image {
  mkdirSync(root);
  return {
    ...{ base, root, workdir: '/', user: '0', stopSignal: 'SIGTERM', env: {}, labels: {}, exposed: [] },
    ...{ entrypoint: [], command: [], health: [] },
    inside: (path) => join(root, posix.resolve('/', path)),
    [Symbol.dispose]: dispose,
  };
}

function shellForm({ value, line }: Instruction): string {
  if (typeof value !== 'string') throw new Error(`Dockerfile:${line}: RUN in exec form is not replayed`);
  return value;
}

/** What the image will be run with has to be in exec form: it has no need of a shell. */
function execForm({ name, value, line }: Instruction): readonly string[] {
  if (typeof value === 'string') throw new Error(`Dockerfile:${line}: ${name} needs a shell`);
  return value;
}

function settle(instruction: Instruction, stage: Image, args: Readonly<Record<string, string>>): void {
  const { name, value } = instruction;
  const text = typeof value === 'string' ? expand(value, { ...args, ...stage.env }) : '';
  if (name === 'WORKDIR') {
    stage.workdir = posix.resolve(stage.workdir, text);
    mkdirSync(stage.inside(stage.workdir), { recursive: true });
  } else if (name === 'ENV') Object.assign(stage.env, pairs(text));
  else if (name === 'LABEL') Object.assign(stage.labels, pairs(text));
  else if (name === 'USER') stage.user = text;
  else if (name === 'EXPOSE') stage.exposed.push(...text.split(/\s+/));
  else if (name === 'STOPSIGNAL') stage.stopSignal = text;
  else if (name === 'HEALTHCHECK')
    stage.health = execForm({ ...instruction, value: JSON.parse(text.replace(/^CMD\s+/, '')) });
  else if (name === 'ENTRYPOINT') stage.entrypoint = execForm(instruction);
  else stage.command = execForm(instruction);
}

function copy(
  { flags, value, line }: Instruction,
  stage: Image,
  stages: ReadonlyMap<string, Image>,
  context: string,
  ignored: (path: string) => boolean,
): void {
  const words = typeof value === 'string' ? value.split(/\s+/) : [...value];
  const target = words.pop()!;
  const from = flags.from === undefined ? undefined : stages.get(flags.from);
  if (flags.from !== undefined && from === undefined) throw new Error(`Dockerfile:${line}: no stage ${flags.from}`);
  for (const word of words) {
    const source = from === undefined ? join(context, word) : from.inside(word);
    const keeps = (file: string) => from !== undefined || !ignored(file);
    if (!existsSync(source) || !anyFile(source, word, keeps))
      throw new Error(`Dockerfile:${line}: nothing to COPY at ${word}`);
    const into = stage.inside(posix.resolve(stage.workdir, target));
    const folder = statSync(source).isDirectory();
    const destination = !folder && (target.endsWith('/') || words.length > 1) ? join(into, basename(word)) : into;
    mkdirSync(dirname(destination), { recursive: true });
    if (from !== undefined) cpSync(source, destination, { recursive: true, verbatimSymlinks: true });
    else
      cpSync(source, destination, {
        recursive: true,
        filter: (path) => anyFile(path, posix.join(word, path.slice(source.length)), keeps),
      });
  }
}

/** Whether a file, or any file below a folder, is kept. */
function anyFile(source: string, word: string, keeps: (file: string) => boolean): boolean {
  if (!statSync(source).isDirectory()) return keeps(word);
  const files = globSync('**/*', { cwd: source, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  return files.some((file) => keeps(posix.join(word, relative(source, join(file.parentPath, file.name)))));
}
