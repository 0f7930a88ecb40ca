/** References to the environment in the text of a scalar: `${NAME}` and `${NAME:-default}`; `$${` is a literal `${`. */

/** The variables a config may refer to. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A scalar's text after expansion. */
export interface Expansion {
  readonly text: string;
  /** The whole text was one reference, so its value may also be a number or a boolean. */
  readonly whole: boolean;
  /** The text is empty because a reference said `:-`: the key counts as not given. */
  readonly absent: boolean;
  /** What is wrong with the references. */
  readonly problems: readonly string[];
}

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const FORM = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** Expands every reference once: what a variable holds is text, whatever it looks like. */
export function expand(text: string, environment: Environment): Expansion {
  const problems: string[] = [];
  let whole = false;
  let optional = false;
  const expanded = text.replace(REFERENCE, (match: string, inner: string | undefined, close: string) => {
    if (inner === undefined) return '${';
    if (match.length === text.length) whole = true;
    const form = close === '}' ? FORM.exec(inner) : null;
    if (form === null) {
      problems.push(
        `${JSON.stringify(match)} is no reference: expected \${NAME} or \${NAME:-default}, or $\${ for a literal \${`,
      );
      return '';
    }
    const [, name, fallback] = form;
    const value = Object.hasOwn(environment, name!) ? environment[name!] : undefined;
    if (fallback !== undefined) {
      optional = true;
      return value === undefined || value === '' ? fallback : value;
    }
    if (value === undefined)
      problems.push(`the environment variable ${name} is not set; \${${name}:-default} gives a default`);
    else if (whole && value === '')
      problems.push(`the environment variable ${name} is empty; \${${name}:-} says that this may be left out`);
    return value ?? '';
  });
  return { text: expanded, whole, absent: whole && optional && expanded === '', problems };
}

/** A scalar of the YAML 1.2 core schema: null, boolean or number, else the text itself. It never becomes a list or a map. */
export function coreScalar(text: string): string | number | boolean | null {
  if (/^(?:null|Null|NULL|~)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?[0-9]+$/.test(text) || /^0o[0-7]+$/.test(text) || /^0x[0-9a-fA-F]+$/.test(text)) return Number(text);
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return Number(text);
  return text;
}
