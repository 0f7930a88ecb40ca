/** Pieces are put together up to this size, in bytes: each costs some hundred bytes beside its own. */
const TOGETHER_BYTES = 4096;

/**
 * Adds a piece to those of a body that are kept. Whoever sends a byte at a time has no more kept than its bytes: small
 * pieces become larger ones, each byte copied a few times at the most. Pieces that are put together are copied; others
 * stay as they are.
 */
export function addPiece(pieces: Uint8Array[], piece: Uint8Array): void {
  let last = piece;
  for (;;) {
    const before = pieces.at(-1);
    // As in a binary counter: only one that is no larger is worth its copy.
    if (before === undefined || before.length > last.length || before.length + last.length > TOGETHER_BYTES) break;
    pieces.pop();
    const both = new Uint8Array(before.length + last.length);
    both.set(before);
    both.set(last, before.length);
    last = both;
  }
  pieces.push(last);
}
