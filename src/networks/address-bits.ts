/** Addresses as numbers: what tables of networks compare. */

/** An address of IPv4 as one 32-bit number; undefined for what is none. Canonical text, as sockets and parsers give it. */
export function ipv4Bits(text: string): number | undefined {
  let value = 0;
  let part = -1;
  let parts = 0;
  for (let i = 0; i <= text.length; i += 1) {
    const code = i === text.length ? 46 : text.charCodeAt(i);
    if (code === 46) {
      if (part < 0 || parts === 4) return undefined;
      value = value * 256 + part;
      parts += 1;
      part = -1;
    } else if (code >= 48 && code <= 57) {
      part = part < 0 ? code - 48 : part * 10 + code - 48;
      if (part > 255) return undefined;
    } else return undefined;
  }
  return parts === 4 ? value : undefined;
}

/**
 * An address of IPv6 as four 32-bit numbers, written to `out`; false for what is none. No zone. The end may be dotted:
 * the canonical form of all of `::/96` but `::` and `::1` is, RFC 5952 section 5.
 */
export function ipv6Bits(text: string, out: Uint32Array): boolean {
  let group = -1;
  let groups = 0;
  let gap = -1;
  let afterGap = false;
  let from = 0;
  const values = GROUPS;
  for (let i = 0; i <= text.length; i += 1) {
    const code = i === text.length ? 58 : text.charCodeAt(i);
    if (code === 58) {
      const gapHere = text.charCodeAt(i + 1) === 58;
      if (group >= 0) {
        if (groups === 8) return false;
        values[groups] = group;
        groups += 1;
        group = -1;
      } else if (i === 0 ? !gapHere : !(afterGap && i === text.length)) return false; // a colon of its own
      afterGap = gapHere;
      if (gapHere) {
        if (gap !== -1) return false;
        gap = groups;
        i += 1;
      }
      from = i + 1;
      continue;
    }
    afterGap = false;
    if (code === 46) {
      const end = ipv4Bits(text.slice(from));
      if (end === undefined || groups > 6) return false;
      values[groups] = end >>> 16;
      values[groups + 1] = end & 0xffff;
      groups += 2;
      break;
    }
    const digit =
      code >= 48 && code <= 57 ? code - 48 : (code | 32) >= 97 && (code | 32) <= 102 ? (code | 32) - 87 : -1;
    if (digit < 0) return false;
    group = group < 0 ? digit : group * 16 + digit;
    if (group > 0xffff) return false;
  }
  if (gap === -1 ? groups !== 8 : groups >= 8) return false;
  const missing = 8 - groups;
  for (let i = 0; i < 8; i += 1) {
    const value = gap === -1 || i < gap ? values[i]! : i < gap + missing ? 0 : values[i - missing]!;
    if (i % 2 === 0) out[i >> 1] = value << 16;
    else out[i >> 1]! |= value;
  }
  return true;
}

const GROUPS = new Uint16Array(8);
