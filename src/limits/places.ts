/** Places for so many at once, by key: counted over all threads, memory of fixed size. */
export interface Places {
  /** A place, or undefined when all `max` are taken. Giving one back twice counts once. */
  take(key: string, max: number): Disposable | undefined;
  /** Places that are taken now, over all threads. */
  taken(key: string): number;
}
