/** The size of the window that a body needs, as a power of two: windows are what encoders take memory for. */
export function windowBits(size: number | undefined, min: number, max: number): number {
  if (size === undefined || size >= 2 ** max) return max;
  return Math.max(min, Math.ceil(Math.log2(Math.max(1, size))));
}
