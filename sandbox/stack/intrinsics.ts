import { placeholder, type Template } from './template.ts';

/** The `Ref` and the attributes of a created resource. */
export interface CreatedResource {
  readonly ref: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface Scope {
  readonly template: Template;
  /** Pseudo-parameters and the values of the template's parameters. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly created: ReadonlyMap<string, CreatedResource>;
}

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

const noValue = Symbol('AWS::NoValue');

const intrinsics: Readonly<Record<string, Intrinsic>> = {
  Ref: (name, scope) => reference(String(name), scope),
  'Fn::GetAtt': (path, scope) => attribute(path as string[], scope),
  'Fn::Join': (argument, scope) => {
    const [separator, parts] = resolveInner(argument, scope) as [string, unknown[]];
    return parts.join(separator);
  },
  'Fn::Sub': (text, scope) =>
    String(text).replace(placeholder, (_, name: string) => String(reference(name, scope))),
  'Fn::If': (argument, scope) => {
    const [condition, then, otherwise] = argument as [string, unknown, unknown];
    return resolveInner(isTrue(condition, scope) ? then : otherwise, scope);
  },
  'Fn::Equals': (argument, scope) => {
    const [left, right] = resolveInner(argument, scope) as [unknown, unknown];
    return String(left) === String(right);
  },
  'Fn::Not': (argument, scope) => !(resolveInner(argument, scope) as [boolean])[0],
};

/** Resolves the intrinsic functions in a template value. */
export function resolve(value: unknown, scope: Scope): unknown {
  const resolved = resolveInner(value, scope);
  return resolved === noValue ? undefined : resolved;
}

export function isTrue(condition: string, scope: Scope): boolean {
  const definition = scope.template.Conditions?.[condition];
  if (definition === undefined) throw new Error(`the template has no condition \`${condition}\``);
  return Boolean(resolveInner(definition, scope));
}

function resolveInner(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value))
    return value.map((item) => resolveInner(item, scope)).filter((item) => item !== noValue);
  if (typeof value !== 'object' || value === null) return value;

  const [[key, argument] = ['', undefined]] = Object.entries(value);
  const intrinsic = intrinsics[key];
  if (intrinsic) return intrinsic(argument, scope);
  if (key.startsWith('Fn::')) throw new Error(`the sandbox does not know the intrinsic function \`${key}\``);
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]) => [name, resolveInner(inner, scope)] as const)
      .filter(([, inner]) => inner !== noValue),
  );
}

function reference(name: string, { parameters, created }: Scope): unknown {
  if (name === 'AWS::NoValue') return noValue;
  const value = name in parameters ? parameters[name] : created.get(name)?.ref;
  if (value === undefined) throw new Error(`\`Ref\` of \`${name}\`, which the template does not have`);
  return value;
}

function attribute([id, name]: readonly string[], { created }: Scope): string {
  const value = created.get(id ?? '')?.attributes?.[name ?? ''];
  if (value === undefined)
    throw new Error(`\`Fn::GetAtt\` of \`${id}.${name}\`, which the sandbox does not have`);
  return value;
}
