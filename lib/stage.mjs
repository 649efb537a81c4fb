/** JavaScript, since whatever Node runs `serverless` reads it too. */
export const stagePattern = /^[a-z][a-z0-9-]*$/;
export const stageForm = 'A stage has lower case letters, digits and hyphens, and begins with a letter.';
