/** Numbers of seconds in header fields, RFC 9111 section 1.2.2. */

/** What larger numbers count as. */
export const MAX_SECONDS = 2 ** 31;

/** The number that the text is, at most MAX_SECONDS; undefined where it is not only digits. */
export function deltaSeconds(text: string): number | undefined {
  return /^[0-9]+$/.test(text) ? Math.min(Number(text), MAX_SECONDS) : undefined;
}
