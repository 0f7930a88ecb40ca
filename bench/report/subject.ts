/** What a report is of: the file, its scenarios, and how each server looks all over the page. */

import type { ResultFile } from '../load/result.ts';
import { type ScenarioFindings, scenariosOf } from './measured.ts';

/** Looks that the page's style has: colours that people who see colours differently tell apart, each with its dashes. */
const LOOKS = 7;

/** Everything figures are made of. */
export class ReportSubject {
  readonly file: ResultFile;
  readonly scenarios: readonly ScenarioFindings[];
  readonly #servers: readonly string[];

  constructor(file: ResultFile) {
    this.file = file;
    this.scenarios = scenariosOf(file.results);
    const names = new Set(this.scenarios.flatMap(({ servers }) => servers));
    // The direct way looks the same in every report, whether or not there are peers.
    this.#servers = [...new Set([this.scenarios[0]!.main, 'direct', ...names])];
  }

  /** The class of a server's lines and bars. */
  look(server: string): string {
    return `s${this.#servers.indexOf(server) % LOOKS}`;
  }

  /** What a scenario is, in a sentence; undefined in files of old. */
  about(scenario: string): string | undefined {
    return this.file.scenarios?.find(({ name }) => name === scenario)?.about;
  }
}
