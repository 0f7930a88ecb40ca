/** Why a connection ended, where it is worth a line. `limit` names the key of the config. */
export interface SessionEnd {
  readonly reason: string;
  readonly limit?: string;
  readonly code?: string;
}
