/**
 * The fields of a multipart/form-data body, RFC 7578, read more strictly than servers read it: what two parsers could
 * take for two things is unreadable, so that nobody hides a field from one of them.
 */

import { UNREADABLE } from './key-part.ts';

/** Name and value of a field; of a file its bytes as text. */
export type FormEntry = readonly [name: string, value: string];

/** Whether a media type is that of such bodies. */
export function isMultipart(contentType: string): boolean {
  return /^multipart\/form-data\s*(?:;|$)/i.test(contentType);
}

/** The fields in their order; `bytes` is the whole body. */
export function multipartFields(contentType: string, bytes: Buffer): readonly FormEntry[] | typeof UNREADABLE {
  const given = [...contentType.matchAll(/;\s*boundary=(?:"([^"\\]{1,70})"|([^\s;",]{1,70}))/gi)];
  const boundary = given[0]?.[1] ?? given[0]?.[2];
  if (boundary === undefined || given.length > 1) return UNREADABLE;
  // What is before the first boundary and after the last belongs to nobody: whatever stands there is refused.
  const pieces = `\r\n${bytes.toString('utf8')}`.split(`\r\n--${boundary}`);
  const last = pieces.pop();
  if (pieces.length === 0 || pieces[0] !== '' || !/^--[ \t]*(?:\r\n)?$/.test(last ?? '')) return UNREADABLE;
  const entries: FormEntry[] = [];
  for (const piece of pieces.slice(1)) {
    const name = nameOf(piece);
    if (name === undefined) return UNREADABLE;
    entries.push([name, piece.slice(piece.indexOf('\r\n\r\n') + 4)]);
  }
  return entries;
}

/** The name in the head of a part; undefined where the head is not plain. */
function nameOf(piece: string): string | undefined {
  const end = piece.indexOf('\r\n\r\n');
  if (end === -1 || !piece.startsWith('\r\n')) return undefined;
  let name: string | undefined;
  for (const line of piece.slice(2, end).split('\r\n')) {
    const field = /^([\w-]+):[ \t]*(.*)$/.exec(line);
    if (field === null) return undefined;
    switch (field[1]!.toLowerCase()) {
      case 'content-type':
        break;
      case 'content-disposition': {
        const said = /^form-data; name="([^"\\]*)"(?:; filename="[^"\\]*")?$/i.exec(field[2]!);
        if (said === null || name !== undefined) return undefined;
        // As browsers escape what may not stand in a name, https://html.spec.whatwg.org/#multipart-form-data
        name = said[1]!.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n');
        break;
      }
      // Such as Content-Transfer-Encoding, which some decode.
      default:
        return undefined;
    }
  }
  return name;
}
