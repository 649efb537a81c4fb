/** The folders whose tests need the package for AWS. */
export const packaged = ['docs', 'e2e', 'resources'];

const shared = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
};

export default {
  // Most of the time is spent in sandboxes, which are processes of their own: one test waits while another one works.
  maxWorkers: 2,
  // A bound on hanging, also on a busy machine, and not a measure.
  testTimeout: 30_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: packaged.map((folder) => `<rootDir>/test/${folder}/`),
    },
    {
      ...shared,
      displayName: 'packaged',
      // jest packages only if it runs a test of this project.
      globalSetup: '<rootDir>/test/package.ts',
      testMatch: packaged.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
    },
  ],
};
