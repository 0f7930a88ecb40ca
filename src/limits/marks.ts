/** Remembers keys for a while: memory of fixed size, shared by threads. */
export interface Marks {
  /** Remembers a key until a time; a later time wins. */
  set(key: string, until: number, now: number): void;
  has(key: string, now: number): boolean;
}
