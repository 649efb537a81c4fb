import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { CommandError } from '../command-error.ts';
import { markControls } from '../control-characters.ts';
import { buildDocument } from './build-document.ts';
import { findUnknownReferences } from './check-references.ts';
import { findUndeclaredEnvironments } from './environments.ts';
import { readPolicyFiles } from './includes.ts';
import { type Problem, validationError } from './problem.ts';
import { emptySections, type FileHeader, isParsed, splitSections } from './sections.ts';
import type { Source } from './source.ts';

/** A valid policy file with its includes. */
export interface PolicyFile {
  /**
   * Builds the document of a stage.
   * @throws CommandError if the file does not have that stage
   */
  resolveDocument(stage: string): PolicyDocument;
}

/** @throws CommandError with all problems and their lines */
export function readPolicyFile(file: string): PolicyFile {
  const files = readPolicyFiles(file);
  const problems = [...files.problems];
  const parts = emptySections();
  const headers = files.sources.map((source) => splitSections(source, parts, problems));
  const [header, ...included] = headers;
  problems.push(...findMisplacedFields(files.sources, header, included));
  // An unreadable file may declare the names, so a missing name is no problem then.
  if (files.problems.length === 0) problems.push(...findUnknownReferences(files.sources));
  if (files.sources[0] && isParsed('environments', files.sources[0])) {
    problems.push(...findUndeclaredEnvironments(parts, header?.environments));
    for (const stage of header?.environments ?? [undefined]) buildDocument(parts, stage, problems);
  }
  if (problems.length > 0) throw validationError(problems);
  return {
    resolveDocument(stage) {
      if (header?.environments && !header.environments.includes(stage))
        throw new CommandError(
          'failed',
          `${markControls(file)} is for ${header.environments.join(', ')}, and this linkgate's stage is ${stage}: choose with --stage`,
        );
      return buildDocument(parts, stage, []);
    },
  };
}

/** Checks that the including file has a `version`, and that no other file has `environments`. */
function findMisplacedFields(
  [source, ...includedSources]: readonly Source[],
  header: FileHeader | undefined,
  included: readonly FileHeader[],
): readonly Problem[] {
  const withoutVersion =
    source && isParsed('version', source) && header?.version === undefined
      ? [{ position: source.findPosition([]), message: 'a policy file begins with `version: 1`' }]
      : [];
  const withEnvironments = includedSources
    .filter((_, index) => included[index]?.environments !== undefined)
    .map((other) => ({
      position: other.findPosition(['environments'], 'key'),
      message: '`environments` are said in the file that includes this one',
    }));
  return [...withoutVersion, ...withEnvironments];
}
