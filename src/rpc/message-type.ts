/** A message of the service definitions, as far as keys of limits read it. */
export interface MessageType {
  /** `zitadel.session.v2.CreateSessionRequest`. */
  readonly name: string;
  readonly fields: readonly MessageField[];
}

/** A field that is text, a whole number, or a message that has such fields. */
export interface MessageField {
  readonly number: number;
  /** `login_name`, and `loginName` in JSON; both are taken there. */
  readonly name: string;
  readonly jsonName: string;
  readonly kind: 'text' | 'number' | 'message';
  /** Set where the kind is `message`. */
  readonly type: MessageType | undefined;
}
