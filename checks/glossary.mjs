// Finds private words in declared and used names. docs/glossary.md has the standard words.
import { globSync, readFileSync } from 'node:fs';

/** The standard word for each private word. Each word of a camel-case name counts, in any case. */
const standardWords = {
  agenda: 're-evaluations',
  bell: 'notification',
  board: 'throttle',
  company: 'batch',
  consulted: 'policy versions',
  consultation: 'policy inputs',
  cut: 'disconnect',
  cuts: 'disconnects',
  doorbell: 'notification',
  drawn: 'rendered',
  dream: 'overlay, dry run',
  endorsed: 'allowed',
  estate: 'inventory',
  fate: 'impact',
  foretell: 'impact',
  happening: 'audit event',
  heard: 'recorded decisions',
  lineage: 'table identity',
  patience: 'backoff',
  rang: 'enqueued',
  ring: 'enqueue',
  rings: 'queued messages',
  rung: 'enqueued',
  sabotage: 'mutant',
  standing: 'status',
  tell: 'notify',
  tells: 'notifies',
  tend: 'record',
  tenure: 'connected state',
  together: 'batch',
  told: 'notified',
  untold: 'not yet notified',
  witness: 'audit log',
};
/** A function has a verb and its object, and a dependency type ends in Deps. */
const patterns = [
  [
    /^\s*(?:export )?(?:async )?function \*?((?!compare|find|is|list|read|require|resolve)[a-z]\w*(?:Of|In|At))\(/,
    'name it by a verb and its object',
  ],
  [/^\s*(?:export )?interface ([A-Z][a-z]+ing)\b/, 'call it …Deps, or by its noun'],
];
const commentOrString = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;

const folders = '{bench,cli,functions,lib,rules,sandbox,test}';
const problems = globSync(`${folders}/**/*.ts`, { exclude: (path) => path.includes('node_modules') }).flatMap(
  (path) =>
    readFileSync(path, 'utf8')
      .replace(commentOrString, (text) => text.replace(/[^\n]/g, ' '))
      .split('\n')
      .flatMap((line, index) =>
        [...findPrivateWords(line), ...findPatterns(line)].map(
          (problem) => `${path}:${index + 1}: ${problem}`,
        ),
      ),
);
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}

function findPrivateWords(line) {
  return [...line.matchAll(/[A-Za-z_$][\w$]*/g)].flatMap(([name]) =>
    [...name.matchAll(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g)]
      .map(([word]) => word.toLowerCase())
      .filter((word) => Object.hasOwn(standardWords, word))
      .map((word) => `${name}: write ${standardWords[word]}`),
  );
}

function findPatterns(line) {
  return patterns.flatMap(([pattern, advice]) => {
    const name = pattern.exec(line)?.[1];
    return name === undefined ? [] : [`${name}: ${advice}`];
  });
}
