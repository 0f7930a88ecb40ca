/** Header fields as Go's `http.Header` has them: names without case, every line kept, no Host over HTTP/1.1. */
export class HeaderLines {
  readonly #lines = new Map<string, string[]>();

  /** Made of names and values in turn. Pseudo-header fields are no headers. */
  static from(rawHeaders: readonly string[], protocol: 'http/1.1' | 'h2'): HeaderLines {
    const lines = new HeaderLines();
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!.toLowerCase();
      if (name.startsWith(':')) continue;
      // net/http takes Host out of the map for HTTP/1.1; x/net/http2 leaves a literal `host` beside :authority in it.
      if (name === 'host' && protocol === 'http/1.1') continue;
      lines.add(name, rawHeaders[i + 1]!);
    }
    return lines;
  }

  add(name: string, value: string): void {
    const key = name.toLowerCase();
    const values = this.#lines.get(key);
    if (values) values.push(value);
    else this.#lines.set(key, [value]);
  }

  set(name: string, value: string): void {
    this.#lines.set(name.toLowerCase(), [value]);
  }

  /** All lines of a field. */
  values(name: string): readonly string[] {
    return this.#lines.get(name.toLowerCase()) ?? [];
  }

  /** The first line of a field, or an empty string. */
  get(name: string): string {
    return this.values(name)[0] ?? '';
  }

  *[Symbol.iterator](): Iterator<[string, string]> {
    for (const [name, values] of this.#lines) for (const value of values) yield [name, value];
  }
}
