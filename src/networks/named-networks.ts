/** A set of networks that can be asked by address. */
export interface NetworkSet {
  /** Bits of the longest prefix that has the address, which is in canonical form; -1 where none has it. */
  longest(address: string): number;
  readonly size: number;
}

/** The lists of addresses that a config names. */
export interface NamedNetworks {
  /** The list of this name; it stays the same object when its file is read again. Throws where there is none. */
  get(name: string): NetworkSet;
  /** Changes whenever a list was read again: verdicts kept by address are void then. */
  readonly version: number;
}
