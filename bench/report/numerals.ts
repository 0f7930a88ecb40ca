/** Numbers as the report writes them: three digits that count, and a unit. */

/** Three digits that count, with commas between thousands: 0.123, 1.23, 12.3, 1,230. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 9.995 ? 1 : size >= 0.9995 ? 2 : size === 0 ? 0 : 3);
}

/** Milliseconds, or seconds where there are many: `1.83 ms`, `12.0 s`. */
export function time(ms: number): string {
  return Math.abs(ms) >= 10_000 ? `${digits(ms / 1000)} s` : `${digits(ms)} ms`;
}

/** A number on an axis, as short as it can be: 0.5, 20, 1.5k, 2M. */
export function tickText(value: number): string {
  for (const [unit, size] of [
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))}${unit}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** Milliseconds on an axis: 0.5, 20, 1,500. */
export function tickMillis(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}

/** `12%`, and `0.3%` where it is less than one. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value !== 0 && Math.abs(value) < 9.95 ? Number(value.toFixed(value < 0.1 ? 2 : 1)) : Math.round(value)}%`;
}

/** `84 MiB`. */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / (1024 * 1024))} MiB`;
}

/** Requests a second: `1,230 req/s`. */
export function perSecond(value: number): string {
  return `${digits(value)} req/s`;
}

/** `1 scenario`, `2 scenarios`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
