import type { MessageType } from './message-type.ts';

/** One RPC of the service definitions. */
export interface Rpc {
  /** `zitadel.session.v2.SessionService/CreateSession`. */
  readonly name: string;
  readonly service: string;
  readonly method: string;
  /** The request's message; one without fields where no key can be made of it. */
  readonly input: MessageType;
  /** The permission that the call needs where it is one across instances (`system.instance.delete`); else undefined. */
  readonly systemPermission: string | undefined;
}
