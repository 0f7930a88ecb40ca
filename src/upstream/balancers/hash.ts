/**
 * 32 bits of a text: FNV-1a over its UTF-16 units, mixed at the end as MurmurHash3 does, because FNV alone leaves names
 * that differ in their last digit close together. The same in every worker and replica.
 */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
