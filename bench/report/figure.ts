/** One figure of the page: what it says, the picture, how to read it, how to make it again. */

import { type Content, html, type Markup } from './markup.ts';

/** Its parts. */
export interface Figure {
  /** What kind it is, for the page's style and for tests. */
  readonly kind: string;
  /** What is shown, in a few words: `Latency over time`. */
  readonly about: string;
  /** What it says: the finding. */
  readonly finding: string;
  readonly picture: Content;
  /** How to read it, in one or two plain sentences. */
  readonly reading: Content;
  readonly command: string;
}

/** A command to be copied: one click marks all of it, and lines break between options only. */
export function commandBlock(command: string): Markup {
  const [program, ...options] = command.split(/ (?=--\S)/);
  return html`<code class="command"><span>${program}</span>${options.map((option) => html` <span>${option}</span>`)}</code>`;
}

/** The figure as it stands on the page. */
export function figure({ kind, about, finding, picture, reading, command }: Figure): Markup {
  return html`<figure class="card" data-figure="${kind}"><p class="about">${about}</p><h3>${finding}</h3><div class="picture">${picture}</div>
<figcaption><p>${reading}</p>${commandBlock(command)}</figcaption></figure>`;
}
