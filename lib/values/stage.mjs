/**
 * The maximum length of a stage: a Lambda function name has at most 64 characters, which leaves 28. This file is JavaScript,
 * because the Node.js that runs `serverless` reads it too.
 */
export const stagePattern = /^[a-z][a-z0-9-]{0,27}$/;
export const stageForm =
  'A stage has at most 28 lower case letters, digits and hyphens, and begins with a letter.';
