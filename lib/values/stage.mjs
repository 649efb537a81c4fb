/** JavaScript, since whatever Node runs `serverless` reads it too. At most 28 characters: Lambda takes function names of 64. */
export const stagePattern = /^[a-z][a-z0-9-]{0,27}$/;
export const stageForm =
  'A stage has at most 28 lower case letters, digits and hyphens, and begins with a letter.';
