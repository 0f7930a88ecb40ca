/**
 * A distinguished name on one line, as RFC 4514 writes it, in ASCII: `CN=worker,O=Example`. From the form of Node's
 * X509Certificate, which has a line for each part, first the highest, and escapes what is special within it; it gives
 * undefined for a name without parts, as certificates have it whose names are in the SAN alone.
 */
export function subjectOf(multiline: string | undefined): string {
  const parts = (multiline ?? '').split('\n').filter((part) => part !== '');
  return parts.reverse().map(ascii).join(',');
}

/** Bytes beyond ASCII, and control characters, as backslash and two hexadecimal digits: RFC 4514 section 2.4. */
function ascii(part: string): string {
  return part.replace(/[^\x20-\x7e]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
