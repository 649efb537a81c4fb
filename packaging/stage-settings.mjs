import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { didYouMean } from '../lib/values/did-you-mean.mjs';

/**
 * Returns the path of a stage's settings from the root of the repository. serverless.yml reads the file too.
 * @param {string} stage
 */
export function settingsFile(stage) {
  return `stages/${stage}.yml`;
}

/**
 * Returns the names of the settings in the stage's file; undefined without a file.
 * @param {string} folder the root of the repository
 * @param {string} stage
 * @param {readonly string[]} names all settings
 * @returns {readonly string[] | undefined}
 * @throws {Error} if the file is invalid
 */
export function readSettings(folder, stage, names) {
  const file = settingsFile(stage);
  const path = join(folder, file);
  if (!existsSync(path)) return undefined;
  const settings = parse(readFileSync(path, 'utf8')) ?? {};
  if (typeof settings !== 'object' || Array.isArray(settings))
    throw new Error(`${file} has to hold \`setting: value\` lines`);
  for (const [name, value] of Object.entries(settings)) {
    if (!names.includes(name))
      throw new Error(
        `${file}: there is no setting \`${name}\`${didYouMean(name, names)} (settings are ${names.join(', ')})`,
      );
    if (typeof value !== 'string')
      throw new Error(`${file}: \`${name}\` has to be text; leave it out for its default`);
  }
  return Object.keys(settings);
}

/**
 * Returns the settings that may change, from `--param="change=table,alarmTopicArn"`.
 * @param {readonly string[]} params the values of `--param`
 * @param {string} stage
 * @param {readonly string[]} names all settings
 * @returns {readonly string[]}
 * @throws {Error} for any other parameter
 */
export function parseAllowedChanges(params, stage, names) {
  return params.flatMap((param) => {
    const [name = '', value = ''] = param.split(/=(.*)/s);
    if (name === 'change') return value.split(',').map((each) => each.trim());
    throw new Error(
      names.includes(name)
        ? `\`${name}\` is a setting: write it into ${settingsFile(stage)}, and not after --param`
        : `there is no --param \`${name}\`${didYouMean(name, ['change'])}`,
    );
  });
}

/**
 * Returns each setting that differs between the running stack and the template.
 * @param {Readonly<Record<string, string>>} running
 * @param {Readonly<Record<string, {Default?: string}>>} parameters of the template that is about to be deployed
 */
export function diffSettings(running, parameters) {
  return Object.entries(running)
    .map(([name, was]) => ({ name, was, becomes: parameters[name]?.Default ?? '' }))
    .filter(({ was, becomes }) => was !== becomes);
}
