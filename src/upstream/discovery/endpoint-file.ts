/** Endpoints by a file that is followed; one that cannot be used changes nothing. */

import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../../core/clock.ts';
import { FollowedFile } from '../../core/followed-file.ts';
import type { EndpointSpec } from '../upstream.ts';
import { type Discovery, type DiscoveryTold, EndpointSet } from './discovery.ts';

/** The largest file that is read, in bytes. */
const MAX_BYTES = 1_048_576;

/** Which file it is, how it is read, and who hears of it. */
export interface EndpointFileOptions {
  readonly file: string;
  /** Reads the text; throws an Error that names the place and what was expected. */
  readonly parse: (text: string, file: string) => readonly EndpointSpec[];
  readonly clock: Clock;
  readonly told: DiscoveryTold;
}

/** The endpoints of a file. */
export class EndpointFile implements Discovery {
  readonly looked = Promise.resolve();
  readonly #options: EndpointFileOptions;
  readonly #set: EndpointSet;
  readonly #first: readonly EndpointSpec[];
  #followed: FollowedFile | undefined;

  /** Reads the file; throws where it cannot be used. */
  constructor(options: EndpointFileOptions) {
    this.#options = options;
    this.#set = new EndpointSet(options.told);
    this.#first = this.#specs();
  }

  get specs(): readonly EndpointSpec[] {
    return this.#set.specs ?? this.#first;
  }

  start(): void {
    if (this.#followed !== undefined) return;
    const { file, clock } = this.#options;
    this.#followed = new FollowedFile(file, clock, () => this.#read());
    this.#set.found(this.#first, 0);
    // It may have changed since it was read.
    this.#read();
  }

  refresh(): void {}

  listen(onSpecs: (specs: readonly EndpointSpec[]) => void): () => void {
    return this.#set.listen(onSpecs);
  }

  [Symbol.dispose](): void {
    this.#followed?.[Symbol.dispose]();
  }

  #read(): void {
    let specs: readonly EndpointSpec[];
    try {
      specs = this.#specs();
    } catch (error) {
      this.#set.failed((error as Error).message);
      return;
    }
    this.#set.found(specs, 0);
  }

  #specs(): readonly EndpointSpec[] {
    const { file, parse } = this.#options;
    let text: string;
    try {
      const stat = statSync(file);
      if (!stat.isFile()) throw new Error('is no file');
      if (stat.size > MAX_BYTES) throw new Error(`has ${stat.size} bytes, expected ${MAX_BYTES} at most`);
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Error(`${file}: ${code === undefined ? message : `cannot be read (${code})`}`, { cause: error });
    }
    return parse(text, file);
  }
}
