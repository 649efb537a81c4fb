import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly Condition?: string;
}

/** The parts of a CloudFormation template that the sandbox reads. */
export interface Template {
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Condition?: string }>>;
}

/** Reads the complete template that `serverless package` writes beside the code of the functions. */
export async function readPackagedTemplate(packageFolder: string): Promise<Template> {
  const file = join(packageFolder, 'cloudformation-template-update-stack.json');
  return JSON.parse(await readFile(file, 'utf8')) as Template;
}

/** Returns the logical ids, each after the resources that it references or names in `DependsOn`. */
export function sortByDependency(resources: Template['Resources']): string[] {
  const ordered = new Set<string>();

  function visit(id: string, path: readonly string[]) {
    if (ordered.has(id)) return;
    if (path.includes(id)) throw new Error(`resources depend on each other: ${[...path, id].join(' → ')}`);
    const resource = resources[id] as TemplateResource;
    const names = [...listReferences(resource.Properties), ...(resource.DependsOn ?? [])];
    for (const name of names) if (name in resources) visit(name, [...path, id]);
    ordered.add(id);
  }

  for (const id of Object.keys(resources)) visit(id, []);
  return [...ordered];
}

function* listReferences(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'Ref') yield inner;
    else if (key === 'Fn::GetAtt') yield inner[0];
    else if (key === 'Fn::Sub') for (const [, name = ''] of inner.matchAll(placeholder)) yield name;
    yield* listReferences(inner);
  }
}

/** A reference in the text of `Fn::Sub`. */
export const placeholder = /\$\{([^{}]+)\}/g;
