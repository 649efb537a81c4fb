// Finds private words in names of lib, functions and rules. docs/glossary.md has the standard words.
import { globSync, readFileSync } from 'node:fs';

const instead = {
  doorbell: 'notification',
  dream: 'overlay, dry run',
  tenure: 'connected state',
  foretell: 'impact',
  lineage: 'table identity',
  witness: 'audit log',
  agenda: 're-evaluations',
  estate: 'inventory',
  consultation: 'policy inputs',
  happening: 'audit event',
  patience: 'backoff',
  standing: 'status',
  board: 'throttle',
  untold: 'not yet notified',
};
/** Matches a word inside a camel-case name. */
const forbidden = new RegExp(
  Object.keys(instead)
    .map((word) => `(?<![A-Za-z])${word}|${word[0].toUpperCase()}${word.slice(1)}`)
    .join('|'),
);
const commentOrString = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;

const found = globSync(['lib/**/*.ts', 'functions/*.ts', 'rules/**/*.ts']).flatMap((path) => {
  const code = readFileSync(path, 'utf8').replace(commentOrString, (text) => text.replace(/[^\n]/g, ' '));
  return code.split('\n').flatMap((line, index) =>
    [...line.matchAll(/[A-Za-z_$][\w$]*/g)].flatMap(([name]) => {
      const [word] = forbidden.exec(name) ?? [];
      return word === undefined
        ? []
        : [`${path}:${index + 1}: ${name}: write ${instead[word.toLowerCase()]}`];
    }),
  );
});
if (found.length > 0) {
  console.error(found.join('\n'));
  process.exit(1);
}
