/** A message of the service definitions, as far as keys of limits read it. */
export interface MessageType {
  /** `zitadel.session.v2.CreateSessionRequest`. */
  readonly name: string;
  readonly fields: readonly MessageField[];
}

/** A field that is text, a whole number, or a message that has such fields. */
export interface MessageField extends FieldName {
  readonly kind: 'text' | 'number' | 'message';
  /** Set where the kind is `message`. */
  readonly type: MessageType | undefined;
  /** Set where the kind is `number`. */
  readonly whole: WholeNumber | undefined;
  /** The other fields of its oneof, of any kind: whichever of them comes last unsets this one. */
  readonly rivals: readonly FieldName[];
}

/** How a field is called on the wire and in JSON. */
export interface FieldName {
  readonly number: number;
  /** `login_name`, and `loginName` in JSON; both are taken there. */
  readonly name: string;
  readonly jsonName: string;
}

/** Which whole numbers a field takes: one number has one text, so that no other spelling of it is another key. */
export interface WholeNumber {
  readonly bits: 32 | 64;
  readonly signed: boolean;
  /** Numbers of the names of an enum: JSON may have either. Undefined for other numbers. */
  readonly names: ReadonlyMap<string, number> | undefined;
}
